package turn

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/account"
)

// MostPast is how many accounts a list of the past measures at once. Every
// one of them is measured anew, so a longer list has to be narrowed first.
const MostPast = 5000

// A Past lists accounts as they stood; see [account.Historian].
type Past struct {
	Explainer
	Accounts account.Lister // as they stand

	mu    sync.Mutex
	known map[string]remembered
}

// A remembered list is used again for a short while: a page asks for its
// rows, their count and the count of all.
type remembered struct {
	accounts []cairn.Account
	until    time.Time
}

const rememberFor = time.Minute

// At returns the list as of t.
func (p *Past) At(t time.Time) account.Lister { return pastAt{p, t} }

type pastAt struct {
	p *Past
	t time.Time
}

// Accounts returns a page of the accounts that were known then. A cursor is
// valid for the same question only.
func (a pastAt) Accounts(ctx context.Context, scope cairn.Scope, q account.Query) (account.Page, error) {
	all, err := a.matching(ctx, scope, q)
	if err != nil {
		return account.Page{}, err
	}
	name, turned := strings.CutPrefix(cmp.Or(q.Sort, "name"), "-")
	by, ok := pastOrder[name]
	if metric, is := account.SortMetric(name); is {
		by, ok = byMetric("metric."+metric), true
	}
	if err := q.Check(); err != nil {
		return account.Page{}, err
	}
	if !ok {
		return account.Page{}, cairn.Errorf(cairn.Invalid, "Accounts cannot be sorted by %q.", name).At("sort")
	}
	slices.SortStableFunc(all, func(x, y cairn.Account) int {
		return cmp.Or(by(x, y, turned), cmp.Compare(x.Name, y.Name), cmp.Compare(x.ID.String(), y.ID.String()))
	})
	from, err := readOffset(q.Cursor)
	if err != nil {
		return account.Page{}, err
	}
	limit := q.Limit
	if limit <= 0 {
		limit = 50
	}
	from = min(from, len(all))
	to := min(from+min(limit, 500), len(all))
	page := account.Page{Accounts: all[from:to], Total: len(all)}
	if to < len(all) {
		page.Next = base64.RawURLEncoding.EncodeToString([]byte("then " + strconv.Itoa(to)))
	}
	return page, nil
}

func readOffset(cursor string) (int, error) {
	if cursor == "" {
		return 0, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	text, ok := strings.CutPrefix(string(b), "then ")
	n, nerr := strconv.Atoi(text)
	if err != nil || !ok || nerr != nil || n < 0 {
		return 0, cairn.Errorf(cairn.Invalid, "This place in the list belongs to another list. Start again at its top.").At("cursor")
	}
	return n, nil
}

// Totals counts the accounts that were known then.
func (a pastAt) Totals(ctx context.Context, scope cairn.Scope, q account.Query) (account.Totals, error) {
	all, err := a.matching(ctx, scope, q)
	if err != nil {
		return account.Totals{}, err
	}
	t := account.Totals{Accounts: len(all), MRR: map[string]int64{}}
	owners := map[string]bool{}
	for _, acct := range all {
		switch acct.Vector.Way {
		case cairn.Rising:
			t.Rising++
		case cairn.Steady:
			t.Steady++
		case cairn.Falling:
			t.Falling++
		default:
			t.Unknown++
		}
		if acct.MRR.Currency != "" {
			t.MRR[acct.MRR.Currency] += acct.MRR.Minor
		}
		if acct.Owner != "" && !owners[acct.Owner] {
			owners[acct.Owner] = true
			t.Owners = append(t.Owners, acct.Owner)
		}
	}
	slices.Sort(t.Owners)
	return t, nil
}

// matching returns the accounts that q asks for, measured as of then.
func (a pastAt) matching(ctx context.Context, scope cairn.Scope, q account.Query) ([]cairn.Account, error) {
	all, err := a.p.measured(ctx, scope, q, a.t)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(all), func(x cairn.Account) bool {
		v := x.Vector
		return q.Way != "" && v.Way != q.Way ||
			q.Below != nil && (!v.Known || v.Level >= cairn.Points(*q.Below)*1000) ||
			q.Above != nil && (!v.Known || v.Level < cairn.Points(*q.Above)*1000) ||
			!q.RenewsBy.IsZero() && (x.Renews.IsZero() || x.Renews.After(q.RenewsBy)) ||
			slices.ContainsFunc(q.Where, func(b account.Bound) bool { return !b.Holds(x.Signals["metric."+b.Metric]) })
	}), nil
}

// measured returns the accounts that q names by what does not change with
// time, as they were measured at t.
func (p *Past) measured(ctx context.Context, scope cairn.Scope, q account.Query, t time.Time) ([]cairn.Account, error) {
	same := account.Query{Search: q.Search, Owner: q.Owner, Status: q.Status, KeyBegin: q.KeyBegin, Family: q.Family, Limit: 500}
	key := fmt.Sprint(scope, same, t.UnixMicro())
	now := p.Now()
	p.mu.Lock()
	was, ok := p.known[key]
	p.mu.Unlock()
	if ok && now.Before(was.until) {
		return was.accounts, nil
	}
	all, err := p.knownAt(ctx, scope, same, t)
	if err != nil {
		return nil, err
	}
	if err := p.measureAll(ctx, all, t); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil || len(p.known) >= 8 {
		p.known = map[string]remembered{}
	}
	p.known[key] = remembered{all, now.Add(rememberFor)}
	return all, nil
}

// knownAt returns the accounts of which something had happened by t.
func (p *Past) knownAt(ctx context.Context, scope cairn.Scope, q account.Query, t time.Time) ([]cairn.Account, error) {
	var all []cairn.Account
	for {
		page, err := p.Accounts.Accounts(ctx, scope, q)
		if err != nil {
			return nil, err
		}
		if page.Total > MostPast {
			return nil, cairn.Errorf(cairn.TooLarge, "%d accounts are too many to look at as of then; narrow the list to %d.", page.Total, MostPast)
		}
		for _, a := range page.Accounts {
			if !a.First.After(t) {
				all = append(all, a)
			}
		}
		if page.Next == "" {
			return all, nil
		}
		q.Cursor = page.Next
	}
}

// measureAll puts into each account how it stood at t.
func (p *Past) measureAll(ctx context.Context, all []cairn.Account, t time.Time) error {
	defs, err := p.Definitions(ctx)
	if err != nil {
		return err
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, runtime.GOMAXPROCS(0))
	for w := range errs {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all) && errs[w] == nil; i = int(next.Add(1)) - 1 {
				v, sig, err := p.Explain(ctx, cairn.Everything, all[i].ID, t)
				if err != nil {
					errs[w] = err
					return
				}
				all[i].Vector = v
				all[i].MRR, all[i].Renews, all[i].LastSeen = columns(sig, defs, t)
				all[i].OpenTasks = 0
				all[i].Signals = cairn.Signals{}
				for name, s := range sig {
					if strings.HasPrefix(name, "metric.") {
						all[i].Signals[name] = s
					}
				}
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// pastOrder compares two accounts by a column; what is missing comes last
// either way.
var pastOrder = map[string]func(x, y cairn.Account, turned bool) int{
	"name": func(x, y cairn.Account, turned bool) int {
		return either(strings.ToLower(x.Name), strings.ToLower(y.Name), "", turned)
	},
	"owner": func(x, y cairn.Account, turned bool) int { return either(x.Owner, y.Owner, "", turned) },
	"status": func(x, y cairn.Account, turned bool) int {
		return either(string(x.Status), string(y.Status), "", turned)
	},
	"level": func(x, y cairn.Account, turned bool) int { return either(level(x), level(y), -1, turned) },
	"slope": func(x, y cairn.Account, turned bool) int {
		const none = cairn.Points(-1 << 40)
		slope := func(a cairn.Account) cairn.Points {
			if a.Vector.Way == cairn.Unknown || !a.Vector.Known {
				return none
			}
			return a.Vector.Slope
		}
		return either(slope(x), slope(y), none, turned)
	},
	"mrr": func(x, y cairn.Account, turned bool) int {
		mrr := func(a cairn.Account) int64 {
			if a.MRR.Currency == "" {
				return -1
			}
			return a.MRR.Minor
		}
		return either(mrr(x), mrr(y), -1, turned)
	},
	"renews": func(x, y cairn.Account, turned bool) int {
		return either(moment(x.Renews), moment(y.Renews), 0, turned)
	},
	"last_seen": func(x, y cairn.Account, turned bool) int {
		return either(moment(x.LastSeen), moment(y.LastSeen), 0, turned)
	},
	"first": func(x, y cairn.Account, turned bool) int { return either(moment(x.First), moment(y.First), 0, turned) },
}

// byMetric compares two accounts by a metric.
func byMetric(signal string) func(x, y cairn.Account, turned bool) int {
	none := math.Inf(-1)
	of := func(a cairn.Account) float64 {
		if n, ok := a.Signals.Number(signal); ok {
			return n
		}
		return none
	}
	return func(x, y cairn.Account, turned bool) int { return either(of(x), of(y), none, turned) }
}

func level(a cairn.Account) cairn.Points {
	if !a.Vector.Known {
		return -1
	}
	return a.Vector.Level
}

func moment(t time.Time) int64 { return cairn.Micros(t) }

// either orders x and y, turned round if asked, with none last either way.
func either[T cmp.Ordered](x, y, none T, turned bool) int {
	switch {
	case x == none || y == none:
		if x == y {
			return 0
		}
		if x == none {
			return 1
		}
		return -1
	case turned:
		return cmp.Compare(y, x)
	}
	return cmp.Compare(x, y)
}
