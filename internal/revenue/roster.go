package revenue

import (
	"context"
	"slices"
	"sync"

	"cairn"
	"cairn/internal/watch"
)

// A roster is what is shown of the fields of all accounts, in little memory:
// of each field every value once, and of each account its number. It is made
// of the records and mended where one changes.
type roster struct {
	watch   watch.Log
	mending sync.Mutex

	mu      sync.RWMutex
	made    bool
	seen    int // how many of the changes are in it
	at      map[cairn.AccountID]int32
	columns map[string]*column
	fields  []Field // kinds, as of seen
}

// A column is one field of all accounts.
type column struct {
	values []string // the first is "": nothing is said
	number map[string]int32
	of     []int32 // by account
	named  int     // accounts that say something
}

// longest is how long a value may be to be one by which accounts are told
// apart; what is longer is a text and no such value.
const longest = 200

// read calls f with the roster as it stands.
func (r *roster) read(ctx context.Context, store Store, f func(*roster) error) error {
	n, err := r.watch.Look(ctx, store)
	if err != nil {
		return err
	}
	r.mu.RLock()
	if !r.made || r.seen < n {
		r.mu.RUnlock()
		if err := r.mend(ctx, store, n); err != nil {
			return err
		}
		r.mu.RLock()
	}
	defer r.mu.RUnlock()
	return f(r)
}

// mend reads what changed, or everything.
func (r *roster) mend(ctx context.Context, store Store, n int) error {
	r.mending.Lock()
	defer r.mending.Unlock()
	if r.made && r.seen >= n { // somebody else did meanwhile
		return nil
	}
	scope := cairn.Everything
	changed, ok := r.watch.Since(r.seen)
	if ok = ok && r.made && len(changed) <= atOnce; ok {
		scope = cairn.Scope{Accounts: changed}
	}
	fresh := &roster{at: map[cairn.AccountID]int32{}, columns: map[string]*column{}}
	if err := store.Fields(ctx, scope, fresh.set); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		r.at, r.columns = fresh.at, fresh.columns
	} else {
		for _, account := range changed {
			r.copy(fresh, account)
		}
	}
	r.made, r.seen, r.fields = true, n, r.kinds()
	return nil
}

// copy puts what another roster says of an account in place of what this says.
func (r *roster) copy(from *roster, account cairn.AccountID) {
	fields := map[string]string{}
	for field := range from.columns {
		fields[field] = from.value(field, account)
	}
	i := r.place(account)
	for field, c := range r.columns {
		c.put(i, fields[field])
		delete(fields, field)
	}
	for field, v := range fields {
		r.column(field).put(i, v)
	}
}

func (r *roster) set(account cairn.AccountID, fields map[string]cairn.Said) {
	i := r.place(account)
	rec := cairn.Record{Fields: fields}
	for field := range fields {
		if v := rec.Text(field); len(v) <= longest {
			r.column(field).put(i, v)
		}
	}
}

func (r *roster) place(account cairn.AccountID) int32 {
	i, ok := r.at[account]
	if !ok {
		i = int32(len(r.at))
		r.at[account] = i
	}
	return i
}

func (r *roster) column(field string) *column {
	c := r.columns[field]
	if c == nil {
		c = &column{values: []string{""}, number: map[string]int32{"": 0}}
		r.columns[field] = c
	}
	return c
}

func (c *column) put(i int32, value string) {
	if int(i) >= len(c.of) {
		if value == "" {
			return
		}
		c.of = append(c.of, make([]int32, int(i)-len(c.of)+1)...)
	}
	n, ok := c.number[value]
	if !ok {
		n = int32(len(c.values))
		c.values = append(c.values, value)
		c.number[value] = n
	}
	switch was := c.of[i]; {
	case was == 0 && n != 0:
		c.named++
	case was != 0 && n == 0:
		c.named--
	}
	c.of[i] = n
}

// number returns the number of what is said of a field of an account.
func (r *roster) number(c *column, account cairn.AccountID) int32 {
	if i, ok := r.at[account]; ok && c != nil && int(i) < len(c.of) {
		return c.of[i]
	}
	return 0
}

// value returns what is said of a field of an account.
func (r *roster) value(field string, account cairn.AccountID) string {
	if c := r.columns[field]; c != nil {
		return c.values[r.number(c, account)]
	}
	return ""
}

// name returns what an account is called.
func (r *roster) name(account cairn.AccountID) string {
	if n := r.value("name", account); n != "" {
		return n
	}
	return account.String()
}

// A Field is a field of accounts by which figures can be told.
type Field struct {
	Name   string
	Values []string // the most frequent first, at most so many
	More   int      // values that are not among them
}

// mostValues is how many values of a field are offered.
const mostValues = 200

// kinds returns the fields that tell kinds of accounts apart: those that have
// fewer values than half of the accounts of which something is said.
func (r *roster) kinds() []Field {
	var out []Field
	for name, c := range r.columns {
		count := make([]int, len(c.values))
		for _, n := range c.of {
			count[n]++
		}
		var in []int32
		for n := 1; n < len(c.values); n++ {
			if count[n] > 0 {
				in = append(in, int32(n))
			}
		}
		if len(in) == 0 || len(in) > 12 && 2*len(in) > c.named {
			continue
		}
		slices.SortFunc(in, func(a, b int32) int {
			if count[a] != count[b] {
				return count[b] - count[a]
			}
			return compareText(c.values[a], c.values[b])
		})
		f := Field{Name: name, More: max(0, len(in)-mostValues)}
		for _, n := range in[:len(in)-f.More] {
			f.Values = append(f.Values, c.values[n])
		}
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Field) int {
		if x := rank(a.Name) - rank(b.Name); x != 0 {
			return x
		}
		return compareText(a.Name, b.Name)
	})
	return out
}
