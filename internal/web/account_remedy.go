package web

import (
	"context"
	"fmt"
	"strings"

	"cairn"
	"cairn/internal/vector"
)

// accountRemedies is how many ways of turning an account are shown for each aim.
const accountRemedies = 3

// An accountAim is something that an account could come to, and what would do.
type accountAim struct {
	Title    string
	Remedies []vector.Remedy
	None     string // why there are none; empty: there are
}

// accountAims sets what would turn the account, now and while there is a model
// to ask. It is not asked of the past, which nobody can change.
func (s *site) accountAims(ctx context.Context, v View, av *accountView) error {
	if s.Model == nil || av.Past() || !av.Vector.Known {
		return nil
	}
	p, err := s.Model.Model(ctx, av.Vector.Model)
	if cairn.KindOf(err) == cairn.NotFound {
		return nil // it was deleted; the next turn rates the account by another
	}
	if err != nil {
		return err
	}
	m, can := p.Model, av.reach(v)
	aim := func(title string, line cairn.Points, reachable bool) {
		a := accountAim{Title: title}
		if reachable {
			a.Remedies = m.Remedies(av.Signals, can, line)
		}
		a.Remedies = a.Remedies[:min(len(a.Remedies), accountRemedies)]
		if len(a.Remedies) == 0 {
			a.None = "Nothing that somebody could do today would."
		}
		av.Aims = append(av.Aims, a)
	}
	if av.Vector.Way == cairn.Falling || av.Vector.Way == cairn.Steady && av.Vector.Level < cairn.Full*9/10 {
		line, ok := m.Way.Rises(av.Vector.Trail)
		aim("To be rising", line, ok)
	}
	if g, ok := m.Next(av.Vector.Level); ok {
		line := cairn.Points(g.From*1000 + 0.5)
		aim(fmt.Sprintf("To be %s, at %s or more", strings.ToLower(g.Name), v.Decimal(g.From, 1)), line, true)
	}
	return nil
}

// reach is what somebody could change about the account.
func (av accountView) reach(v View) (can vector.Reach) {
	for _, r := range av.Tickets {
		opened, ok := accountDateOf(r, "opened")
		if !ok {
			opened = r.First
		}
		if ticketIsOpen(r) {
			can.Tickets = append(can.Tickets, vector.OpenTicket{Days: float64(int(v.Now.Sub(opened).Hours() / 24)), Escalated: r.Bool("escalated")})
		}
	}
	return can
}

// ticketIsOpen reports whether a ticket is counted as open, as signals count:
// one that is said to be open after it was closed has been reopened.
func ticketIsOpen(r cairn.Record) bool {
	_, closed := accountDateOf(r, "closed")
	switch r.Text("status") {
	case "solved", "closed":
		return false
	case "":
		return !closed
	}
	return !closed || r.Fields["status"].At.After(r.Fields["closed"].At)
}
