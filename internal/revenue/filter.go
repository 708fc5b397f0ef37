package revenue

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"cairn"
)

// A Where narrows figures to some accounts: those of which a field says one of
// some values. Several of one field are "or", several fields "and".
type Where struct {
	Field string
	Value string // "": nothing is said
}

// Text writes w as "owner:ann@example.com".
func (w Where) Text() string { return w.Field + ":" + w.Value }

// ParseWhere reads what [Query.Where] holds: one condition a line.
func ParseWhere(text string) ([]Where, error) {
	var out []Where
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		field, value, ok := strings.Cut(line, ":")
		if field = strings.TrimSpace(field); !ok || field == "" {
			return nil, cairn.Errorf(cairn.Invalid, "%q is no condition: one such as owner:ann@example.com is needed.", line).At("where")
		}
		if _, contract := contractField(field); contract {
			return nil, cairn.Errorf(cairn.Invalid, "%s is a field of contracts; figures are narrowed by fields of accounts. Ask by %s instead.", field, field).At("where")
		}
		out = append(out, Where{field, strings.TrimSpace(value)})
	}
	if len(out) > 20 {
		return nil, cairn.Errorf(cairn.Invalid, "There are %d conditions; there may be 20.", len(out)).At("where")
	}
	return out, nil
}

// WhereText is the inverse of [ParseWhere]: the same conditions in any order
// give the same text.
func WhereText(all []Where) string {
	var lines []string
	for _, w := range all {
		lines = append(lines, w.Text())
	}
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// among returns which accounts the scope sees and a filter lets pass; nil is
// everybody. It holds as long as the roster is read.
func (r *roster) among(scope cairn.Scope, where []Where) func(cairn.AccountID) bool {
	if len(where) == 0 {
		if scope.All {
			return nil
		}
		return scope.Sees
	}
	type test struct {
		c    *column
		lets map[int32]bool
	}
	var tests []test
	at := map[string]int{}
	for _, w := range where {
		i, ok := at[w.Field]
		if !ok {
			i = len(tests)
			at[w.Field] = i
			tests = append(tests, test{r.columns[w.Field], map[int32]bool{}})
		}
		if w.Value == "" {
			tests[i].lets[0] = true
		} else if c := r.columns[w.Field]; c != nil {
			if n, ok := c.number[w.Value]; ok {
				tests[i].lets[n] = true
			}
		}
	}
	return func(account cairn.AccountID) bool {
		for _, t := range tests {
			if !t.lets[r.number(t.c, account)] {
				return false
			}
		}
		return scope.Sees(account)
	}
}

// Among calls f with what tells which accounts of a scope a filter lets pass,
// as [Query.Where] writes it; it holds until f returns.
func (s *Service) Among(ctx context.Context, scope cairn.Scope, where string, f func(lets func(cairn.AccountID) bool) error) error {
	all, err := ParseWhere(where)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return f(scope.Sees)
	}
	return s.accounts().read(ctx, s.Store, func(r *roster) error { return f(r.among(scope, all)) })
}

// everybody lets a filter of nobody in particular pass all.
func everybody(of func(cairn.AccountID) bool) func(cairn.AccountID) bool {
	if of == nil {
		return func(cairn.AccountID) bool { return true }
	}
	return of
}

// dimensions are the fields of accounts that tell most, in order.
var dimensions = strings.Fields("owner segment tier industry plan country region status")

// rank orders fields by what they tell.
func rank(field string) int {
	if i := slices.Index(dimensions, field); i >= 0 {
		return i
	}
	return len(dimensions)
}

func compareText(a, b string) int { return cmp.Compare(a, b) }

// Fields returns the fields of accounts by which figures can be narrowed and
// told, those that tell most first.
func (s *Service) Fields(ctx context.Context) (out []Field, err error) {
	err = s.accounts().read(ctx, s.Store, func(r *roster) error {
		out = r.fields
		return nil
	})
	return out, err
}
