package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"cairn"
	"cairn/internal/account"
)

// shownName is what an account is called: its name, else its domain, else its key.
const shownName = `case when a.name <> '' then a.name when a.domain <> '' then a.domain else a.key end`

// accountColumns are what scanAccount reads, of account a and vector v.
const accountColumns = `
	a.id, a.key, ` + shownName + `, a.domain, a.owner, a.status, a.first,
	coalesce(v.mrr, 0), coalesce(v.currency, ''), coalesce(v.renews, 0), coalesce(v.last_seen, 0), coalesce(v.body, ''),
	(select count(*) from record r where r.account = a.id and r.kind = 'task' and r.state in ('open', 'snoozed')),
	coalesce((select i.space from identity i where i.id = a.id), '')`

// scanAccount reads accountColumns and what follows them.
func scanAccount(rows interface{ Scan(...any) error }, more ...any) (cairn.Account, error) {
	var a cairn.Account
	var first, renews, seen int64
	var body []byte
	into := append([]any{&a.ID, &a.Key, &a.Name, &a.Domain, &a.Owner, &a.Status, &first,
		&a.MRR.Minor, &a.MRR.Currency, &renews, &seen, &body, &a.OpenTasks, &a.Space}, more...)
	if err := rows.Scan(into...); err != nil {
		return a, err
	}
	a.First, a.Renews, a.LastSeen = cairn.FromMicros(first), cairn.FromMicros(renews), cairn.FromMicros(seen)
	if len(body) == 0 {
		a.Vector.Way = cairn.Unknown
		return a, nil
	}
	var err error
	if a.Vector, err = unpackVector(body); err != nil {
		return a, fmt.Errorf("vector of account %s: %w", a.ID, err)
	}
	return a, nil
}

// A column is how a list is sorted: by value, after what is missing has been
// put last.
type column struct {
	value   string // not null
	missing string // 1 when there is no value, else 0; never a bare number, which would name a column
	text    bool
}

// columns are those of account.Sorts.
var columns = map[string]column{
	"name":      {value: `lower(` + shownName + `)`, missing: `case when a.key is null then 1 else 0 end`, text: true},
	"level":     {value: `coalesce(v.level, 0)`, missing: `case when v.known = 1 then 0 else 1 end`},
	"slope":     {value: `coalesce(v.slope, 0)`, missing: `case when v.known = 1 and v.way <> 'unknown' then 0 else 1 end`},
	"mrr":       {value: `coalesce(v.mrr, 0)`, missing: `case when v.currency <> '' then 0 else 1 end`},
	"renews":    {value: `coalesce(v.renews, 0)`, missing: `case when v.renews > 0 then 0 else 1 end`},
	"last_seen": {value: `coalesce(v.last_seen, 0)`, missing: `case when v.last_seen > 0 then 0 else 1 end`},
	"owner":     {value: `a.owner`, missing: `case when a.owner <> '' then 0 else 1 end`, text: true},
	"status":    {value: `a.status`, missing: `case when a.key is null then 1 else 0 end`, text: true},
	"first":     {value: `a.first`, missing: `case when a.first > 0 then 0 else 1 end`},
}

// A place is the last row of a page of accounts, under one sort.
type place struct {
	Sort    string          `json:"s"`
	Missing int             `json:"m"`
	Number  int64           `json:"n,omitempty"`
	Text    string          `json:"t,omitempty"`
	ID      cairn.AccountID `json:"i"`
}

// Accounts returns a page of the accounts that match q; see [account.Store].
func (s *Store) Accounts(ctx context.Context, scope cairn.Scope, q account.Query) (account.Page, error) {
	if q.Sort == "" {
		q.Sort = "name"
	}
	by, ok := sortColumn(q.Sort)
	if !ok {
		return account.Page{}, cairn.Errorf(cairn.Invalid, "Accounts cannot be sorted by %q. They can by %s, and metric.NAME.", q.Sort, strings.Join(account.Sorts, ", ")).At("sort")
	}
	if err := q.Check(); err != nil {
		return account.Page{}, err
	}
	most := limit(q.Limit, 50, 500)
	down := descending(q.Sort)
	var st statement
	// The page is found first, so that only its rows are read whole.
	st.add(`
		/* account.Accounts */
		select` + accountColumns + `, m.missing, m.value from (
			select a.id as id, ` + by.missing + ` as missing, ` + by.value + ` as value
			from account a left join vector v on v.account = a.id where `)
	st.matching(scope, q)
	if err := st.after(by, q.Sort, q.Cursor); err != nil {
		return account.Page{}, err
	}
	st.add(` order by `+by.missing+`, `+by.value+down+`, a.id limit ?) m
		join account a on a.id = m.id left join vector v on v.account = m.id
		order by m.missing, m.value`+down+`, m.id`, most+1)
	page, err := s.accountPage(ctx, &st, by, q.Sort, most)
	if err != nil {
		return page, err
	}
	if err := s.addMeasures(ctx, page.Accounts, q.Metrics); err != nil {
		return page, err
	}
	page.Total, err = s.countAccounts(ctx, scope, q)
	return page, err
}

func descending(sort string) string {
	if strings.HasPrefix(sort, "-") {
		return " desc"
	}
	return ""
}

func (s *Store) accountPage(ctx context.Context, st *statement, by column, sort string, most int) (account.Page, error) {
	var page account.Page
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return page, err
	}
	defer rows.Close()
	var last place
	for rows.Next() {
		p := place{Sort: sort}
		value := any(&p.Number)
		if by.text {
			value = &p.Text
		}
		a, err := scanAccount(rows, &p.Missing, value)
		if err != nil {
			return page, err
		}
		if len(page.Accounts) == most {
			page.Next = encodeCursor(last)
			break
		}
		p.ID = a.ID
		last = p
		page.Accounts = append(page.Accounts, a)
	}
	return page, rows.Err()
}

// after adds the condition that rows come after the cursor.
func (q *statement) after(by column, sort, cursor string) error {
	if cursor == "" {
		return nil
	}
	var p place
	if err := decodeCursor(cursor, &p); err != nil {
		return err
	}
	if p.Sort != sort {
		return errCursor
	}
	if p.Missing == 1 {
		q.add(` and `+by.missing+` = 1 and a.id > ?`, p.ID)
		return nil
	}
	value, beyond := any(p.Number), ` > ?`
	if by.text {
		value = p.Text
	}
	if descending(sort) != "" {
		beyond = ` < ?`
	}
	q.add(` and (`+by.missing+` = 1 or `+by.value+beyond+` or (`+by.value+` = ? and a.id > ?))`, value, value, p.ID)
	return nil
}

// matching adds the conditions of a query of accounts, of account a and vector v.
func (q *statement) matching(scope cairn.Scope, by account.Query) {
	q.within(scope, "a.id")
	q.found(by.Search, "a.id")
	switch by.Owner {
	case "":
	case "-":
		q.add(` and a.owner = ''`)
	default:
		q.add(` and a.owner = ?`, strings.ToLower(by.Owner))
	}
	if by.Status == "" {
		q.add(` and a.status <> ?`, string(cairn.Ignored))
	} else {
		q.add(` and a.status = ?`, string(by.Status))
	}
	if by.Way == cairn.Unknown {
		q.add(` and coalesce(v.way, 'unknown') = 'unknown'`)
	} else if by.Way != "" {
		q.add(` and v.way = ?`, string(by.Way))
	}
	if by.Below != nil {
		q.add(` and v.known = 1 and v.level < ?`, int64(*by.Below)*1000)
	}
	if by.Above != nil {
		q.add(` and v.known = 1 and v.level >= ?`, int64(*by.Above)*1000)
	}
	if !by.RenewsBy.IsZero() {
		q.add(` and v.renews > 0 and v.renews <= ?`, cairn.Micros(by.RenewsBy))
	}
	if !by.Family.IsZero() {
		q.add(` and a.id in (
			with recursive kin (id) as (
				select id from account where id = ?
				union select c.id from account c join identity i on i.id = c.parent join kin k on k.id = i.holder)
			select id from kin)`, by.Family)
	}
	q.bounded(by.Where)
	if by.KeyBegin != "" {
		q.add(` and substr(a.key, 1, ?) = ?`, len([]rune(by.KeyBegin)), by.KeyBegin)
	}
}

func (s *Store) countAccounts(ctx context.Context, scope cairn.Scope, q account.Query) (int, error) {
	var st statement
	st.add(`
		/* account.countAccounts */
		select count(*) from account a left join vector v on v.account = a.id where `)
	st.matching(scope, q)
	var n int
	err := s.db.QueryRowContext(ctx, st.String(), st.args...).Scan(&n)
	return n, err
}

// Totals sums up the accounts that match q; see [account.Store].
func (s *Store) Totals(ctx context.Context, scope cairn.Scope, q account.Query) (account.Totals, error) {
	t := account.Totals{MRR: map[string]int64{}}
	var st statement
	st.add(`
		/* account.Totals */
		select coalesce(v.way, 'unknown'), coalesce(v.currency, ''), count(*), cast(sum(coalesce(v.mrr, 0)) as bigint)
		from account a left join vector v on v.account = a.id where `)
	st.matching(scope, q)
	st.add(` group by coalesce(v.way, 'unknown'), coalesce(v.currency, '')`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return t, err
	}
	defer rows.Close()
	for rows.Next() {
		var way cairn.Way
		var currency string
		var n int
		var minor int64
		if err := rows.Scan(&way, &currency, &n, &minor); err != nil {
			return t, err
		}
		t.Accounts += n
		switch way {
		case cairn.Rising:
			t.Rising += n
		case cairn.Steady:
			t.Steady += n
		case cairn.Falling:
			t.Falling += n
		default:
			t.Unknown += n
		}
		if currency != "" {
			t.MRR[currency] += minor
		}
	}
	if err := rows.Err(); err != nil {
		return t, err
	}
	t.Owners, err = s.owners(ctx, scope)
	return t, err
}

// owners returns all owners of accounts in the scope.
func (s *Store) owners(ctx context.Context, scope cairn.Scope) ([]string, error) {
	var st statement
	st.add(`
		/* account.owners */
		select distinct owner from account where owner <> '' and `)
	st.within(scope, "id")
	st.add(` order by owner`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var o string
		if err := rows.Scan(&o); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, rows.Err()
}

var errNoAccount = cairn.Errorf(cairn.NotFound, "There is no such account.")

// Account returns one account with its signals; see [account.Store].
func (s *Store) Account(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (cairn.Account, error) {
	var st statement
	st.add(`
		/* account.Account */
		select`+accountColumns+`, coalesce(v.signals, '')
		from account a left join vector v on v.account = a.id where a.id = ? and `, id)
	st.within(scope, "a.id")
	var signals []byte
	a, err := scanAccount(s.db.QueryRowContext(ctx, st.String(), st.args...), &signals)
	if errors.Is(err, sql.ErrNoRows) {
		return cairn.Account{}, errNoAccount
	}
	if err != nil || len(signals) == 0 {
		return a, err
	}
	a.Signals, err = unpackSignals(signals)
	return a, err
}

// sees fails with cairn.NotFound unless the account exists within the scope.
func (s *Store) sees(ctx context.Context, scope cairn.Scope, id cairn.AccountID) error {
	var st statement
	st.add(`
		/* account.sees */
		select 1 from account where id = ? and `, id)
	st.within(scope, "id")
	var one int
	err := s.db.QueryRowContext(ctx, st.String(), st.args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return errNoAccount
	}
	return err
}

// Find resolves what somebody typed. The strongest way in which anything
// matches decides: id, key, domain, name.
func (s *Store) Find(ctx context.Context, scope cairn.Scope, text string) (cairn.AccountID, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return cairn.AccountID{}, cairn.Errorf(cairn.Invalid, "Name an account: by its id, key, domain or name.").At("account")
	}
	if id, err := cairn.ParseID(text); err == nil {
		now, err := s.Holder(ctx, scope, cairn.AccountID{ID: id})
		if cairn.KindOf(err) != cairn.NotFound {
			return now, err
		}
	}
	for _, condition := range []string{`a.key = ?`, `a.id in (select holder from identity where what = 'account' and key = ?)`, `lower(a.domain) = lower(?)`, `lower(a.name) = lower(?)`} {
		ids, names, err := s.called(ctx, scope, condition, text)
		switch {
		case err != nil:
			return cairn.AccountID{}, err
		case len(ids) == 1:
			return ids[0], nil
		case len(ids) > 1:
			return cairn.AccountID{}, cairn.Errorf(cairn.Conflict, "Several accounts are called %q: %s. Use the id of one.", text, strings.Join(names, ", ")).At("account")
		}
	}
	return cairn.AccountID{}, cairn.Errorf(cairn.NotFound, "There is no account with the id, key, domain or name %q.", text).At("account")
}

// called returns the ids of at most ten accounts and what to call each.
func (s *Store) called(ctx context.Context, scope cairn.Scope, condition, text string) ([]cairn.AccountID, []string, error) {
	var st statement
	st.add(`
		/* account.called */
		select a.id, `+shownName+`, a.key from account a where `+condition+` and `, text)
	st.within(scope, "a.id")
	st.add(` order by a.id limit 10`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var ids []cairn.AccountID
	var names []string
	for rows.Next() {
		var id cairn.AccountID
		var name, key string
		if err := rows.Scan(&id, &name, &key); err != nil {
			return nil, nil, err
		}
		ids, names = append(ids, id), append(names, fmt.Sprintf("%s (key %s, id %s)", name, key, id))
	}
	return ids, names, rows.Err()
}
