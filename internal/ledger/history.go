package ledger

import (
	"slices"
	"time"

	"cairn"
)

// A History is all that was ever said of one contract, laid out so that it can
// be read as of any moment.
type History struct {
	record  cairn.RecordID
	account cairn.AccountID
	said    []saidTerms // in order of at
}

// saidTerms are the terms that were said at one moment.
type saidTerms struct {
	at      time.Time
	terms   Terms
	sort    Sort
	priced  bool
	problem string
}

// A Reading is a line as of a moment. It has no terms when nothing was said by
// then.
type Reading struct {
	Line    *Line
	Priced  bool   // it was told what it costs
	Problem string // what of it could not be read; empty: nothing
}

// History reads the facts about one contract, in any order.
func (r Reader) History(record cairn.RecordID, account cairn.AccountID, facts []cairn.Fact) *History {
	h := &History{record: record, account: account}
	for _, m := range moments(facts) {
		rec := cairn.Record{Fields: r.Precedence.Choose(facts, m.at)}
		s := saidTerms{at: m.at, sort: sortOf(rec)}
		s.terms, s.priced, s.problem = r.terms(rec, m)
		h.said = append(h.said, s)
	}
	return h
}

// All is the line by all that was said.
func (h *History) All() Reading { return h.reading(h.said) }

// At is the line by what was said until t, t included.
func (h *History) At(t time.Time) Reading {
	n, _ := slices.BinarySearchFunc(h.said, t, func(s saidTerms, t time.Time) int {
		if s.at.After(t) {
			return 1
		}
		return -1
	})
	return h.reading(h.said[:n])
}

// reading makes a line of what was said. Of several terms of one day the last
// count.
func (h *History) reading(said []saidTerms) Reading {
	out := Reading{Line: &Line{Record: h.record, Account: h.account, Terms: make([]Terms, 0, len(said))}}
	l := out.Line
	for i := range said {
		s := &said[i]
		if s.problem != "" {
			out.Problem = s.problem
			return out
		}
		out.Priced = out.Priced || s.priced
		if i == 0 || s.sort != Recurring {
			l.Sort = s.sort
		}
		if n := len(l.Terms); n > 0 && l.Terms[n-1].From == s.terms.From {
			l.Terms[n-1] = s.terms
			continue
		}
		l.Terms = append(l.Terms, s.terms)
	}
	return out
}
