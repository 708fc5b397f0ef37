package ledger

import "cairn"

// A Standing is how one line stands on a day.
type Standing struct {
	MRR     int64 // minor units of the ledger's currency; 0 where the policy counts nothing
	InForce bool  // it has begun and is not over, neither on trial nor paused; metered lines too
}

// A Stander tells how lines stand, under one policy: what movements are made
// of, as of one day. It may be used by one goroutine at a time.
type Stander struct {
	walker
	usage bool // metered amounts count
}

// NewStander returns one for a policy. That it counts no metered amounts keeps
// no line from being in force.
func NewStander(p Policy, rates *Rates) *Stander {
	s := &Stander{usage: p.Usage}
	p.Usage = true
	s.walker = walker{policy: &p, rates: rates}
	return s
}

// On returns how a line stands on a day. What it costs may be a problem; whether
// it is in force is told also then.
func (s *Stander) On(l *Line, day cairn.Day) (Standing, *Problem) {
	if len(l.Terms) == 0 || l.First() > day {
		return Standing{}, nil
	}
	s.until, s.steps, s.blind = day+1, s.steps[:0], false
	problem := s.walk(l, 0)
	if problem != nil {
		s.steps, s.blind = s.steps[:0], true
		s.walk(l, 0)
	}
	if len(s.steps) == 0 {
		return Standing{}, problem
	}
	last := s.steps[len(s.steps)-1]
	out := Standing{InForce: last.state == paying || last.state == free}
	if problem == nil && last.state == paying && l.Sort != OneOff && (s.usage || !l.Terms[len(l.Terms)-1].Usage) {
		out.MRR = last.minor
	}
	return out, problem
}
