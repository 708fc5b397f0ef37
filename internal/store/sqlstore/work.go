package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"cairn"
	"cairn/internal/work"
)

// low is the level under which an account's revenue is at risk, whichever
// way it is going.
const low = 40 * 1000

// atRisk is the recurring revenue that stands behind a task: all of it when
// the account's level is low or falling, else nothing.
const atRisk = `case when v.known = 1 and (v.way = 'falling' or v.level < 40000) then v.mrr else 0 end`

// Tasks returns tasks in the order in which they should be taken: by
// priority, what is overdue first, most at risk first, then by due date; see
// [work.Store].
func (s *Store) Tasks(ctx context.Context, scope cairn.Scope, q work.Query, now time.Time) ([]work.Item, error) {
	var st statement
	st.add(`
		/* work.Tasks */
		select ` + recordColumns + `, r.version from record r left join vector v on v.account = r.account where r.kind = 'task' and `)
	st.within(scope, "r.account")
	st.owned("r.owner", q.Owner)
	if !q.Account.IsZero() {
		st.add(` and r.account = ?`, q.Account)
	}
	if len(q.States) == 0 {
		st.add(` and (r.state = 'open' or (r.state = 'snoozed' and r.until <= ?))`, cairn.Micros(now))
	} else {
		states := make([]string, len(q.States))
		for i, v := range q.States {
			states[i] = string(v)
		}
		st.add(` and `)
		in(&st, "r.state", states)
	}
	st.add(` order by case when r.prio < 1 then 3 else r.prio end, case when r.due > 0 and r.due < ? then 0 else 1 end, `+
		atRisk+` desc, case when r.due > 0 then 0 else 1 end, r.due, r.id limit ?`,
		cairn.Micros(s.today(now)), limit(q.Limit, 200, 10_000))
	return s.items(ctx, &st, now)
}

// owned adds the condition that a column names the owner: "" is anybody, "-" nobody.
func (q *statement) owned(column, owner string) {
	switch owner {
	case "":
	case "-":
		q.add(` and ` + column + ` = ''`)
	default:
		q.add(` and `+column+` = ?`, strings.ToLower(owner))
	}
}

// today returns the first moment of now's day.
func (s *Store) today(now time.Time) time.Time {
	return cairn.DayOf(now, s.zone()).Start(s.zone())
}

// zone returns the workspace's zone.
func (s *Store) zone() *time.Location {
	if z := s.Settings().Zone; z != nil {
		return z
	}
	return time.UTC
}

// Task returns one task; see [work.Store].
func (s *Store) Task(ctx context.Context, scope cairn.Scope, id cairn.RecordID) (work.Item, error) {
	var st statement
	st.add(`
		/* work.Task */
		select `+recordColumns+`, r.version from record r where r.id = ? and r.kind = 'task' and `, id)
	st.within(scope, "r.account")
	items, err := s.items(ctx, &st, time.Time{})
	if err != nil {
		return work.Item{}, err
	}
	if len(items) == 0 {
		return work.Item{}, cairn.Errorf(cairn.NotFound, "There is no such task.")
	}
	return items[0], nil
}

// items reads rows of recordColumns and version as tasks, with their accounts.
func (s *Store) items(ctx context.Context, st *statement, now time.Time) ([]work.Item, error) {
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var records []cairn.Record
	var sealed []map[string]cairn.Said
	var out []work.Item
	for rows.Next() {
		var n work.Item
		r, box, err := scanRecord(rows, &n.Version)
		if err != nil {
			return nil, err
		}
		records, sealed, out = append(records, r), append(sealed, box), append(out, n)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // before keys are read, so that one connection is enough
	accounts, err := s.accountsOf(ctx, records)
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		if err := s.openRecord(ctx, &r, sealed[i]); err != nil {
			return nil, err
		}
		n := &out[i]
		n.Task, n.Account = taskOf(r), accounts[r.Account]
		n.AtRisk = riskOf(n.Account)
		n.Order = s.order(*n, now)
	}
	return out, nil
}

// accountsOf returns the accounts that records belong to.
func (s *Store) accountsOf(ctx context.Context, records []cairn.Record) (map[cairn.AccountID]cairn.Account, error) {
	out := map[cairn.AccountID]cairn.Account{}
	var ids []cairn.AccountID
	for _, r := range records {
		if _, ok := out[r.Account]; !ok && !r.Account.IsZero() {
			out[r.Account] = cairn.Account{}
			ids = append(ids, r.Account)
		}
	}
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		var st statement
		st.add(`
			/* work.accountsOf */
			select` + accountColumns + ` from account a left join vector v on v.account = a.id where `)
		in(&st, "a.id", some)
		rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return nil, err
		}
		if err := scanAccounts(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func scanAccounts(rows *sql.Rows, into map[cairn.AccountID]cairn.Account) error {
	defer rows.Close()
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return err
		}
		into[a.ID] = a
	}
	return rows.Err()
}

// taskOf reads a task out of its record. A field that is not as it should be
// is left empty.
func taskOf(r cairn.Record) cairn.Task {
	t := cairn.Task{
		ID: r.ID, Key: r.Key, Account: r.Account,
		Title: r.Text("title"), Why: r.Text("why"), Type: r.Text("type"), Owner: r.Text("owner"),
		State: cairn.TaskState(r.Text("state")), Play: r.Text("play"), Outcome: r.Text("outcome"),
	}
	t.Due, _ = r.Time("due")
	t.Until, _ = r.Time("until")
	t.Planned, _ = r.Time("planned")
	t.Closed, _ = r.Time("closed")
	prio, _ := r.Number("priority")
	if t.Priority = int(prio); t.Priority < 1 {
		t.Priority = 3
	}
	if said, ok := r.Fields["reasons"]; ok && json.Unmarshal(said.Value, &t.Reasons) != nil {
		t.Reasons = nil
	}
	return t
}

func riskOf(a cairn.Account) cairn.Money {
	if v := a.Vector; v.Known && (v.Way == cairn.Falling || v.Level < low) {
		return a.MRR
	}
	return cairn.Money{Currency: a.MRR.Currency}
}

// order says in words why a task stands where it stands.
func (s *Store) order(n work.Item, now time.Time) string {
	var why []string
	switch n.Task.Priority {
	case 1:
		why = append(why, "urgent")
	case 2:
		why = append(why, "high priority")
	default:
		why = append(why, "normal priority")
	}
	if !now.IsZero() {
		why = append(why, dueInWords(n.Task.Due, now, s.zone()))
	}
	if n.AtRisk.Minor > 0 {
		v := n.Account.Vector
		why = append(why, fmt.Sprintf("%s a month at risk (level %d, %s)", n.AtRisk, v.Level.Round(), v.Way))
	}
	text := strings.Join(why, ", ")
	return strings.ToUpper(text[:1]) + text[1:]
}

func dueInWords(due, now time.Time, zone *time.Location) string {
	if due.IsZero() {
		return "no due date"
	}
	switch days := int(cairn.DayOf(due, zone) - cairn.DayOf(now, zone)); {
	case days < -1:
		return fmt.Sprintf("%d days overdue", -days)
	case days == -1:
		return "1 day overdue"
	case days == 0:
		return "due today"
	case days == 1:
		return "due tomorrow"
	default:
		return fmt.Sprintf("due in %d days", days)
	}
}

// Moved returns the accounts whose level moved by a point or more; see
// [work.Store].
func (s *Store) Moved(ctx context.Context, scope cairn.Scope, owner string, day cairn.Day, most int) ([]work.Moved, error) {
	var st statement
	st.add(`
		/* work.Moved */
		select`+accountColumns+`, m.was, v.level from (
			select a.id as id, v.level as level, (
				select d.level from scored d where d.account = a.id and d.level >= 0 and d.day < ?
				order by d.day desc limit 1) as was
			from account a join vector v on v.account = a.id
			where v.known = 1 and a.status <> 'ignored' and `, int64(day))
	st.within(scope, "a.id")
	st.owned("a.owner", owner)
	st.add(`) m join account a on a.id = m.id join vector v on v.account = m.id
		where m.was is not null and abs(m.level - m.was) >= 1000
		order by abs(m.level - m.was) desc, a.id limit ?`, limit(most, 20, 500))
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []work.Moved
	for rows.Next() {
		var m work.Moved
		if m.Account, err = scanAccount(rows, &m.From, &m.To); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

// ClosedSince counts tasks closed since t; see [work.Store].
func (s *Store) ClosedSince(ctx context.Context, scope cairn.Scope, owner string, t time.Time) (int, error) {
	var st statement
	st.add(`
		/* work.ClosedSince */
		select count(*) from record r where r.kind = 'task' and r.state in ('done', 'dismissed') and r.closed >= ? and `, cairn.Micros(t))
	st.within(scope, "r.account")
	st.owned("r.owner", owner)
	var n int
	err := s.db.QueryRowContext(ctx, st.String(), st.args...).Scan(&n)
	return n, err
}

// Version returns a number that grows with what pages show; see [work.Store].
func (s *Store) Version(ctx context.Context, id cairn.AccountID) (int64, error) {
	var n int64
	if id.IsZero() {
		err := s.db.QueryRowContext(ctx, `
			/* work.Version */
			select (select cast(coalesce(sum(n), 0) as bigint) from counter) + (select coalesce(max(n), 0) from serial where name = 'page')`).Scan(&n)
		return n, err
	}
	err := s.db.QueryRowContext(ctx, `
		/* work.Version */
		select a.version + coalesce((select d.version from due d where d.account = a.id), 0) from account a where a.id = $1`, id).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// pageChanged makes the version of everything grow: for commits beside the
// log that change what a page shows. It comes last in its transaction, since
// it makes others that do so wait.
func pageChanged(ctx context.Context, tx *Tx) error {
	_, err := serial(ctx, tx, "page", 1)
	return err
}
