// Package account is whom we serve: accounts, people and the records that
// belong to them, as they stand and as they stood.
package account

import (
	"context"
	"regexp"
	"strings"
	"time"

	"cairn"
)

// A Query asks for a page of accounts.
type Query struct {
	Search   string          // words; each must begin a word of name, domain or key, or of a person's name or address
	Owner    string          // address; "-" is nobody's; empty: all
	Status   cairn.Status    // empty: all but ignored
	Way      cairn.Way       // empty: all
	Below    *int            // level under so many points
	Above    *int            // level at or over so many points
	RenewsBy time.Time       // renewal on or before; zero: any
	KeyBegin string          // key begins so; empty: all
	Family   cairn.AccountID // this account and all below it; zero: all
	Sort     string          // one of Sorts, or "metric.NAME"; empty: "name". A leading "-" turns it round
	Where    []Bound         // what metrics must be
	Metrics  []string        // names of metrics that are put into the Signals of each account
	Cursor   string          // Next of the page before
	Limit    int             // 1..500; 0 is 50
}

// Sorts are the columns a list can be sorted by. What is missing comes last
// either way.
var Sorts = []string{"name", "level", "slope", "mrr", "renews", "last_seen", "owner", "status", "first"}

// A Bound is what the metric of an account must be to be listed. An account of
// which it is not known is not.
type Bound struct {
	Metric string   `json:"metric"` // its name
	Least  *float64 `json:"least,omitempty"`
	Most   *float64 `json:"most,omitempty"`
}

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,59}$`)

// MetricName reports whether a text can be the name of a metric.
func MetricName(text string) bool { return metricName.MatchString(text) }

// SortMetric returns the name of the metric that a sort names.
func SortMetric(sort string) (name string, ok bool) {
	name, ok = strings.CutPrefix(strings.TrimPrefix(sort, "-"), "metric.")
	return name, ok && MetricName(name)
}

// Check refuses bounds and columns that name no metric.
func (q Query) Check() error {
	for _, m := range q.Metrics {
		if !MetricName(m) {
			return cairn.Errorf(cairn.Invalid, "%q is not the name of a metric.", m).At("metrics")
		}
	}
	for _, b := range q.Where {
		switch {
		case !MetricName(b.Metric):
			return cairn.Errorf(cairn.Invalid, "%q is not the name of a metric.", b.Metric).At("where")
		case b.Least == nil && b.Most == nil:
			return cairn.Errorf(cairn.Invalid, "Say what the metric %s must be at least or at most.", b.Metric).At("where")
		}
	}
	return nil
}

// Holds reports whether a value that is known lies within b.
func (b Bound) Holds(s cairn.Signal) bool {
	return s.Known && (b.Least == nil || s.Number >= *b.Least) && (b.Most == nil || s.Number <= *b.Most)
}

// A Page is part of a list, with the count of the whole.
type Page struct {
	Accounts []cairn.Account
	Total    int
	Next     string // cursor; empty: this was the last
}

// A Totals is what the sentence over the list says.
type Totals struct {
	Accounts, Rising, Steady, Falling, Unknown int
	MRR                                        map[string]int64 // minor units by currency
	Owners                                     []string         // all that occur
}

// A Store answers questions about accounts. Each method keeps to the scope.
type Store interface {
	Accounts(ctx context.Context, scope cairn.Scope, q Query) (Page, error)
	Totals(ctx context.Context, scope cairn.Scope, q Query) (Totals, error)
	// Account returns one account with its signals; cairn.NotFound when there
	// is none or the scope does not include it.
	Account(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (cairn.Account, error)
	// Find resolves what a person types: an id, an exact key, domain or name.
	// Several matches are a cairn.Conflict naming them.
	Find(ctx context.Context, scope cairn.Scope, text string) (cairn.AccountID, error)
	People(ctx context.Context, scope cairn.Scope, id cairn.AccountID) ([]cairn.Person, error)
	// Records returns the account's records of one kind as of t (zero: now),
	// newest first, with personal fields opened.
	Records(ctx context.Context, scope cairn.Scope, id cairn.AccountID, k cairn.EventKind, t time.Time) ([]cairn.Record, error)
	// Scored returns how the account was scored on the days on which that
	// changed, in order: the last such day until from, and all until to.
	Scored(ctx context.Context, scope cairn.Scope, id cairn.AccountID, from, to cairn.Day) ([]Scored, error)
	// ScoredOn calls f with how each account stood scored at the end of a day.
	ScoredOn(ctx context.Context, scope cairn.Scope, day cairn.Day, f func(cairn.AccountID, Scored)) error
}

// A Scored is how an account was scored from a day on, until the next: as it was
// said then, whatever was learnt since. The last turn of the day counts.
type Scored struct {
	Day   cairn.Day    `json:"day"`
	Known bool         `json:"known"`
	Level cairn.Points `json:"level"`
	Way   cairn.Way    `json:"way"`
	Band  int          `json:"band"` // which of the model's grades, the lowest is 0
	Model string       `json:"model"`
	Rev   int          `json:"rev"`
	Pos   int64        `json:"pos"` // events folded by then, of all partitions
}

// An Explainer measures and rates an account as of any moment, from history.
type Explainer interface {
	// Explain returns the vector and the signals behind it. Zero t is now.
	Explain(ctx context.Context, scope cairn.Scope, id cairn.AccountID, t time.Time) (cairn.Vector, cairn.Signals, error)
	// Levels returns the levels at each of the moments, as the model in force sees them.
	Levels(ctx context.Context, scope cairn.Scope, id cairn.AccountID, at []time.Time) ([]cairn.Mark, error)
}

// A Lister lists accounts.
type Lister interface {
	Accounts(ctx context.Context, scope cairn.Scope, q Query) (Page, error)
	Totals(ctx context.Context, scope cairn.Scope, q Query) (Totals, error)
}

// An Erasure is what erasing a person reaches.
type Erasure struct {
	Person  cairn.PersonID   `json:"person"`
	IDs     []cairn.PersonID `json:"ids"`     // all that are this person: merged ones, and visitors
	Known   []cairn.Person   `json:"known"`   // of these, who has a row; what it says
	Rejects []int64          `json:"rejects"` // rejected records that name them
}

// Nobody reports whether there is nothing to erase.
func (e Erasure) Nobody() bool { return len(e.Known) == 0 && len(e.Rejects) == 0 }

// Keys are what sources call them.
func (e Erasure) Keys() (out []string) {
	for _, p := range e.Known {
		if p.Key != "" {
			out = append(out, p.Key)
		}
	}
	return out
}

// A Historian lists accounts as they stood.
type Historian interface {
	// At returns a list as of t: accounts that were known then, measured and
	// rated from what had happened by then, as the definitions in force see it.
	// Names, owners and statuses are today's.
	At(t time.Time) Lister
}
