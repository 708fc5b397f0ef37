package web

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

// accountNamedSlot is how wide a group's slot of the bar must be for its name
// to fit under it.
const accountNamedSlot cairn.Points = 9_000

// An accountReasonGroup is what one group of reasons gives to a level.
type accountReasonGroup struct {
	Name    string
	Points  cairn.Points // of all its reasons
	Of      cairn.Points
	Reasons []cairn.Reason
}

// accountReasonGroups puts the reasons of a level into groups, the weightiest
// first, and within a group the one that costs most first and what is missing
// last. The points of all groups sum to the level.
func accountReasonGroups(reasons []cairn.Reason) []accountReasonGroup {
	var out []accountReasonGroup
	for _, r := range reasons {
		i := slices.IndexFunc(out, func(g accountReasonGroup) bool { return g.Name == r.Group })
		if i < 0 {
			i = len(out)
			out = append(out, accountReasonGroup{Name: r.Group})
		}
		g := &out[i]
		g.Points, g.Of = g.Points+r.Points, g.Of+r.Of
		g.Reasons = append(g.Reasons, r)
	}
	for _, g := range out {
		slices.SortStableFunc(g.Reasons, func(a, b cairn.Reason) int {
			if a.Known != b.Known {
				return cmp.Compare(truth(b.Known), truth(a.Known))
			}
			return cmp.Or(cmp.Compare(b.Of-b.Points, a.Of-a.Points), cmp.Compare(b.Of, a.Of))
		})
	}
	slices.SortStableFunc(out, func(a, b accountReasonGroup) int { return cmp.Compare(b.Of, a.Of) })
	return out
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Known counts the reasons of g that could be measured.
func (g accountReasonGroup) Known() int {
	n := 0
	for _, r := range g.Reasons {
		n += truth(r.Known)
	}
	return n
}

// widthOf is p as a share of whole, for a picture: "width:12.5%".
func widthOf(p, whole cairn.Points) string {
	if whole <= 0 || p <= 0 {
		return "width:0"
	}
	return fmt.Sprintf("width:%.3f%%", 100*float64(min(p, whole))/float64(whole))
}

// An accountChange is one reason's part in the change of the level.
type accountChange struct {
	Label, Group string
	Text         string // what happened: "Two people stopped being active"
	From, To     string // the reason's sentence at either moment; empty: it had none
	Delta        cairn.Points
}

// An accountComparison is what changed between two moments. The deltas of all
// changes sum to To.Level - From.Level exactly.
type accountComparison struct {
	From, To cairn.Vector
	Changes  []accountChange // most first
	Same     int             // how many reasons give as much as before
	Causes   vector.Split    // of the whole change; zero where it was not split
}

// A causeShare is what one cause did to the level.
type causeShare struct {
	Name, Tip string
	Delta     cairn.Points
}

// causes are what did something, the most first.
func (c accountComparison) causes() []causeShare {
	all := []causeShare{
		{"What happened", "What happened and what was stated since: usage, tickets, invoices, answers, fields.", c.Causes.Data},
		{"Time passed", "Things grew older and windows moved on, though nothing happened.", c.Causes.Time},
		{"What is known", "What became known, or is missing now.", c.Causes.Missing},
		{"Another model", "The model, or its revision, is not the one of then.", c.Causes.Model},
	}
	all = slices.DeleteFunc(all, func(s causeShare) bool { return s.Delta == 0 })
	slices.SortStableFunc(all, func(a, b causeShare) int { return cmp.Compare(magnitude(b.Delta), magnitude(a.Delta)) })
	return all
}

// Delta is the change of the level.
func (c accountComparison) Delta() cairn.Points { return c.To.Level - c.From.Level }

// compareAccount says what changed from one vector to a later one.
func compareAccount(from, to cairn.Vector) accountComparison {
	out := accountComparison{From: from, To: to, Same: len(to.Reasons)}
	for _, c := range vector.Diff(from, to) {
		d := accountChange{
			Label: c.Label, Group: c.Group, Delta: c.Points,
			Text: strings.TrimSuffix(c.Text, " ("+vector.Delta(c.Points)+")"),
		}
		if r, ok := reasonOf(from, c); ok {
			d.From = accountReasonText(r)
		}
		if r, ok := reasonOf(to, c); ok {
			d.To = accountReasonText(r)
			out.Same--
		}
		out.Changes = append(out.Changes, d)
	}
	return out
}

// reasonOf is the reason of v that c is about.
func reasonOf(v cairn.Vector, c vector.Change) (cairn.Reason, bool) {
	for _, r := range v.Reasons {
		if r.Signal == c.Signal && r.Group == c.Group {
			return r, true
		}
	}
	return cairn.Reason{}, false
}

func accountReasonText(r cairn.Reason) string {
	if !r.Known {
		return firstOf(r.Text, "not known")
	}
	return r.Text
}

func magnitude(p cairn.Points) cairn.Points { return max(p, -p) }

// signed writes points with their sign, to a tenth: "+3.2", "−9", "0".
func signed(p cairn.Points) string {
	s := tenths(magnitude(p))
	switch {
	case s == "0":
		return "0"
	case p < 0:
		return "−" + s
	}
	return "+" + s
}

// tenths writes points to a tenth, without a needless zero: "12.5", "9".
func tenths(p cairn.Points) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", float64(p)/1000), ".0")
}

// most is the largest change, which fills its bar.
func (c accountComparison) most() cairn.Points {
	if len(c.Changes) == 0 {
		return 0
	}
	return magnitude(c.Changes[0].Delta)
}

// widest is what the weightiest reason could give, which fills its bar.
func (av accountView) widest() cairn.Points {
	var most cairn.Points
	for _, r := range av.Vector.Reasons {
		most = max(most, r.Of)
	}
	return most
}

// changedSentence says how the level moved between the two moments.
func (av accountView) changedSentence(v View) string {
	c := av.Before
	since := v.Date(av.Moment(v).AddDate(0, 0, -av.Days))
	switch {
	case !av.Vector.Known:
		return "No level is known, so nothing can be compared."
	case !c.From.Known:
		return "Nothing was known of this account on " + since + "."
	case len(c.Changes) == 0:
		return "Nothing that counts has changed since " + since + "."
	}
	from, to := c.From.Level, c.To.Level
	switch d := c.Delta(); {
	case from.Round() == to.Round():
		return fmt.Sprintf("The level is %d as it was on %s, but not for the same reasons.", to.Round(), since)
	case d < 0:
		return fmt.Sprintf("The level fell from %d to %d since %s.", from.Round(), to.Round(), since)
	default:
		return fmt.Sprintf("The level rose from %d to %d since %s.", from.Round(), to.Round(), since)
	}
}

// accountWhyTitle is the question that the picture answers.
func accountWhyTitle(v cairn.Vector) string {
	if !v.Known {
		return "Why there is no level"
	}
	return fmt.Sprintf("Why %d", v.Level.Round())
}

func accountWhyNote(av accountView) string {
	if !av.Vector.Known {
		return ""
	}
	known := 0
	for _, g := range av.Groups {
		known += g.Known()
	}
	return fmt.Sprintf("These %d of %d reasons sum to %s of 100 points. Open one for its scale.", known, len(av.Vector.Reasons), tenths(av.Vector.Level))
}

// accountLevelWords is the bar for those who do not see it.
func accountLevelWords(av accountView) string {
	var parts []string
	for _, g := range av.Groups {
		parts = append(parts, g.Name+" "+tenths(g.Points)+" of "+tenths(g.Of))
	}
	return "Level " + tenths(av.Vector.Level) + " of 100: " + strings.Join(parts, ", ")
}

// accountSignalDescription is what a signal means.
func accountSignalDescription(name string) string {
	d, _ := signal.Find(name)
	return d.Description
}

// accountFresh is when the newest data behind a reason was made.
func accountFresh(r cairn.Reason) (time.Time, bool) {
	t, err := time.Parse(time.RFC3339, r.Fresh)
	return t, err == nil
}

// slug makes a name into a part of an address: "Usage" is "usage".
func slug(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '-'
	}, name)
}
