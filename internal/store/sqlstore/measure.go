package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/account"
)

// metricSignal is how the signals of metrics begin.
const metricSignal = "metric."

// measured is a value as it is kept: in millionths, so that it is compared
// alike on every engine.
func measured(n float64) int64 {
	const most = 1 << 62
	return int64(math.Round(max(-most, min(most, n*1e6))))
}

// writeMeasures keeps what metrics are of accounts, for lists. Without metrics
// it costs a look at the names of the signals.
func (s *Store) writeMeasures(ctx context.Context, tx *Tx, found []turnRow) error {
	type row struct {
		account cairn.AccountID
		metric  string
		value   int64
	}
	var known, gone []row
	for _, f := range found {
		for name, sig := range f.r.Signals {
			metric, ok := strings.CutPrefix(name, metricSignal)
			switch {
			case !ok:
			case sig.Known && !math.IsNaN(sig.Number):
				known = append(known, row{f.r.Due.Account, metric, measured(sig.Number)})
			default:
				gone = append(gone, row{account: f.r.Due.Account, metric: metric})
			}
		}
	}
	order := func(a, b row) int { // one order for all, or writers deadlock
		return cmp.Or(slices.Compare(a.account.ID[:], b.account.ID[:]), strings.Compare(a.metric, b.metric))
	}
	slices.SortFunc(known, order)
	slices.SortFunc(gone, order)
	if len(known) > 0 {
		accounts, metrics, values := make([][]byte, len(known)), make([]string, len(known)), make([]int64, len(known))
		for i, r := range known {
			accounts[i], metrics[i], values[i] = bytesOf(r.account.ID), r.metric, r.value
		}
		if err := s.engine.Insert(ctx, tx, "measure", "on conflict (account, metric) do update set value = excluded.value where measure.value <> excluded.value",
			Col{"account", accounts}, Col{"metric", metrics}, Col{"value", values}); err != nil {
			return err
		}
	}
	for _, r := range gone {
		if _, err := tx.ExecContext(ctx, `
			/* measure.writeMeasures */
			delete from measure where account = $1 and metric = $2`, r.account, r.metric); err != nil {
			return err
		}
	}
	return nil
}

// sortColumn is how a list is sorted: by a column, or by a metric, whose name is
// known to be letters, digits and _.
func sortColumn(sort string) (column, bool) {
	if metric, ok := account.SortMetric(sort); ok {
		of := fmt.Sprintf(`(select x.value from measure x where x.account = a.id and x.metric = '%s')`, metric)
		return column{value: `coalesce(` + of + `, 0)`, missing: `case when ` + of + ` is null then 1 else 0 end`}, true
	}
	by, ok := columns[strings.TrimPrefix(sort, "-")]
	return by, ok
}

// bounded adds what metrics must be, of account a.
func (q *statement) bounded(bounds []account.Bound) {
	for _, b := range bounds {
		q.add(` and exists (select 1 from measure x where x.account = a.id and x.metric = ?`, b.Metric)
		if b.Least != nil {
			q.add(` and x.value >= ?`, measured(*b.Least))
		}
		if b.Most != nil {
			q.add(` and x.value <= ?`, measured(*b.Most))
		}
		q.add(`)`)
	}
}

// addMeasures puts metrics into the signals of listed accounts.
func (s *Store) addMeasures(ctx context.Context, list []cairn.Account, metrics []string) error {
	if len(list) == 0 || len(metrics) == 0 {
		return nil
	}
	at := make(map[cairn.AccountID]int, len(list))
	ids := make([]cairn.AccountID, len(list))
	for i, a := range list {
		ids[i], at[a.ID] = a.ID, i
		list[i].Signals = cairn.Signals{}
	}
	var st statement
	st.add(`
		/* measure.addMeasures */
		select account, metric, value from measure where `)
	in(&st, "account", ids)
	st.add(` and `)
	in(&st, "metric", metrics)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.AccountID
		var metric string
		var value int64
		if err := rows.Scan(&id, &metric, &value); err != nil {
			return err
		}
		name := metricSignal + metric
		list[at[id]].Signals[name] = cairn.Signal{Name: name, Known: true, Number: float64(value) / 1e6}
	}
	return rows.Err()
}
