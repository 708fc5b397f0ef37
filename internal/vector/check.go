package vector

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/signal"
)

// MostDepth is how deep groups may stand in each other.
const MostDepth = 8

var modelName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,39}$`)

// Check refuses a model that could not be rated, naming the field to correct,
// such as "groups.0.leaves.2.best".
func (m Model) Check(c signal.Catalogue) error {
	switch {
	case m.Name == "":
		return cairn.Errorf(cairn.Invalid, "A model needs a name.").At("name")
	case !modelName.MatchString(m.Name):
		return cairn.Errorf(cairn.Invalid, "A model's name is of small letters, digits and hyphens, such as self-service; its title is what people read.").At("name")
	}
	if err := signal.CheckGroup(m.For); err != nil {
		return err.At("for." + err.Field)
	}
	if len(m.Groups) == 0 {
		return cairn.Errorf(cairn.Invalid, "A model needs at least one group.").At("groups")
	}
	k := checker{c, map[string]bool{}}
	if err := k.parts(Group{Groups: m.Groups}, 1); err != nil {
		return err
	}
	if err := m.Way.check(); err != nil {
		return err.At("way." + err.Field)
	}
	if m.NPSMost != nil && !(*m.NPSMost >= 0 && *m.NPSMost <= 100) {
		return cairn.Errorf(cairn.Invalid, "How much NPS may make up is a percentage from 0 to 100.").At("nps_most")
	}
	return checkGrades(m.Grades)
}

// A checker remembers which signals a model rates.
type checker struct {
	catalogue signal.Catalogue
	seen      map[string]bool
}

func (k checker) group(g Group, in How, depth int) *cairn.Error {
	switch {
	case g.Name == "":
		return cairn.Errorf(cairn.Invalid, "A group needs a name.").At("name")
	case depth > MostDepth:
		return cairn.Errorf(cairn.Invalid, "Groups stand in each other at most %d deep.", MostDepth).At("groups")
	case len(g.Leaves)+len(g.Groups) == 0:
		return cairn.Errorf(cairn.Invalid, "A group needs at least one signal.").At("leaves")
	}
	switch g.How {
	case Mean, Worst:
		if g.Start != 0 {
			return cairn.Errorf(cairn.Invalid, "Only a group that adds up has a start.").At("start")
		}
	case Add:
		if !(g.Start >= 0 && g.Start <= 100) {
			return cairn.Errorf(cairn.Invalid, "A start is a percentage from 0 to 100.").At("start")
		}
	default:
		return cairn.Errorf(cairn.Invalid, "%q is not worst or add; leave it out for the mean.", g.How).At("how")
	}
	if err := weight(g.Weight, in); err != nil {
		return err
	}
	return k.parts(g, depth+1)
}

// parts looks at what stands in a group, or in the model itself.
func (k checker) parts(g Group, depth int) *cairn.Error {
	weights := make([]float64, 0, len(g.Groups)+len(g.Leaves))
	for i, l := range g.Leaves {
		if err := k.leaf(l, g.How); err != nil {
			return err.At(fmt.Sprintf("leaves.%d.%s", i, err.Field))
		}
		weights = append(weights, l.Weight)
	}
	for i, in := range g.Groups {
		if err := k.group(in, g.How, depth); err != nil {
			return err.At(fmt.Sprintf("groups.%d.%s", i, err.Field))
		}
		weights = append(weights, in.Weight)
	}
	if g.How != Mean {
		return nil
	}
	at := "leaves"
	if len(g.Leaves) == 0 {
		at = "groups"
	}
	if err := hundred(weights); err != nil {
		return err.At(at)
	}
	return nil
}

// weight refuses a weight that says nothing where it stands.
func weight(w float64, in How) *cairn.Error {
	switch {
	case in == Worst && w != 0:
		return cairn.Errorf(cairn.Invalid, "Where the worst counts, parts have no weight.").At("weight")
	case in == Add && (units(w) == 0 || !(math.Abs(w) <= 100)):
		return cairn.Errorf(cairn.Invalid, "What is added or taken away is from −100 to 100 percent, and not 0.").At("weight")
	case in == Mean && !(units(w) > 0 && w <= 100):
		return cairn.Errorf(cairn.Invalid, "A weight must be above 0, and at most 100.").At("weight")
	}
	return nil
}

func hundred(weights []float64) *cairn.Error {
	var sum int64
	for _, w := range weights {
		sum += units(w)
	}
	if math.Abs(float64(sum-units(100))) > weightUnit/1000 {
		return cairn.Errorf(cairn.Invalid, "The weights add up to %.6g, not to 100.", float64(sum)/weightUnit)
	}
	return nil
}

// Balance returns weights in the same proportions that add up to 100, each
// with at most two decimals. Without any weight above 0 all are equal.
func Balance(weights []float64) []float64 {
	hundredths := make([]int64, len(weights))
	any := slices.ContainsFunc(weights, func(w float64) bool { return units(w) > 0 })
	for i, w := range weights {
		if hundredths[i] = 1; any {
			hundredths[i] = max(units(w), 0)
		}
	}
	out := make([]float64, len(weights))
	for i, h := range apportion(100*100, hundredths) {
		out[i] = float64(h) / 100
	}
	return out
}

func (k checker) leaf(l Leaf, in How) *cairn.Error {
	def, known := k.catalogue.Def(l.Signal)
	switch {
	case !known:
		return cairn.Errorf(cairn.Invalid, "There is no signal %q.", l.Signal).At("signal")
	case k.seen[l.Signal]:
		return cairn.Errorf(cairn.Invalid, "%s is rated twice.", def.Label).At("signal")
	}
	k.seen[l.Signal] = true
	if err := weight(l.Weight, in); err != nil {
		return err
	}
	if err := l.checkMissing(); err != nil {
		return err
	}
	if len(l.Bands) > 0 {
		return l.checkBands()
	}
	if l.Border != ToLower {
		return cairn.Errorf(cairn.Invalid, "Only bands have borders.").At("border")
	}
	if l.Worst == l.Best || math.IsNaN(l.Worst-l.Best) || math.IsInf(l.Worst-l.Best, 0) {
		return cairn.Errorf(cairn.Invalid, "Worst and best must differ.").At("best")
	}
	return nil
}

func (l Leaf) checkMissing() *cairn.Error {
	switch l.Missing {
	case "", LeaveOut, Neutral, Poor:
		if l.Expires != 0 {
			return cairn.Errorf(cairn.Invalid, "Only what is carried forward expires.").At("expires")
		}
	case Carry:
		if l.Expires < 1 || l.Expires > 7*MostWeeks {
			return cairn.Errorf(cairn.Invalid, "What is carried forward expires after 1 to %d days.", 7*MostWeeks).At("expires")
		}
	default:
		return cairn.Errorf(cairn.Invalid, "%q is not leave_out, neutral, poor or carry.", l.Missing).At("missing")
	}
	return nil
}

func (l Leaf) checkBands() *cairn.Error {
	if l.Worst != 0 || l.Best != 0 {
		return cairn.Errorf(cairn.Invalid, "A leaf has bands, or worst and best, not both.").At("bands")
	}
	if l.Border != ToLower && l.Border != ToHigher {
		return cairn.Errorf(cairn.Invalid, "%q is not higher; leave it out where the value at which two bands meet belongs to the lower.", l.Border).At("border")
	}
	texts := map[string]bool{}
	var ranges []int
	for i, b := range l.Bands {
		at := fmt.Sprintf("bands.%d", i)
		switch {
		case !(b.Gives >= 0 && b.Gives <= 100):
			return cairn.Errorf(cairn.Invalid, "A band gives from 0 to 100 percent.").At(at + ".gives")
		case len(b.Is) > 0 && (b.From != nil || b.To != nil):
			return cairn.Errorf(cairn.Invalid, "A band is a range or some texts, not both.").At(at + ".is")
		case len(b.Is) > 0:
			for _, s := range b.Is {
				if text := strings.ToLower(strings.TrimSpace(s)); texts[text] {
					return cairn.Errorf(cairn.Invalid, "%q is in two bands.", s).At(at + ".is")
				} else {
					texts[text] = true
				}
			}
		case b.From != nil && !finite(*b.From), b.To != nil && !finite(*b.To):
			return cairn.Errorf(cairn.Invalid, "The ends of a band are numbers.").At(at)
		case low(b) >= high(b):
			return cairn.Errorf(cairn.Invalid, "The band %s is empty: it must end above where it begins.", b.title(i)).At(at + ".to")
		default:
			ranges = append(ranges, i)
		}
	}
	return l.meet(ranges)
}

// meet refuses bands that overlap, and values between two that are in none.
func (l Leaf) meet(ranges []int) *cairn.Error {
	slices.SortStableFunc(ranges, func(i, j int) int { return cmp.Compare(low(l.Bands[i]), low(l.Bands[j])) })
	for n := 1; n < len(ranges); n++ {
		i, j := ranges[n-1], ranges[n]
		a, b := l.Bands[i], l.Bands[j]
		switch end, begin := high(a), low(b); {
		case begin < end:
			return cairn.Errorf(cairn.Invalid, "The bands %s and %s overlap: %s is in both. Let one end where the other begins.",
				a.title(i), b.title(j), plain(between(begin, min(end, high(b))))).At(fmt.Sprintf("bands.%d.from", j))
		case begin > end:
			return cairn.Errorf(cairn.Invalid, "%s is in no band. Let %s begin at %s, where %s ends; border says to which of them that value belongs.",
				plain(between(end, begin)), b.title(j), plain(end), a.title(i)).At(fmt.Sprintf("bands.%d.from", j))
		}
	}
	return nil
}

// between returns a value inside a range, one end of which may be infinite.
func between(a, b float64) float64 {
	switch {
	case math.IsInf(a, 0) && math.IsInf(b, 0):
		return 0
	case math.IsInf(a, 0):
		return b - 1
	case math.IsInf(b, 0):
		return a + 1
	}
	return a + (b-a)/2
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func low(b Band) float64 {
	if b.From == nil {
		return math.Inf(-1)
	}
	return *b.From
}

func high(b Band) float64 {
	if b.To == nil {
		return math.Inf(1)
	}
	return *b.To
}

func (b Band) title(i int) string {
	if b.Label != "" {
		return "“" + b.Label + "”"
	}
	return fmt.Sprint("number ", i+1)
}

func checkGrades(grades []Grade) error {
	for i, g := range grades {
		at := fmt.Sprintf("grades.%d", i)
		switch {
		case g.Name == "":
			return cairn.Errorf(cairn.Invalid, "A grade needs a name.").At(at + ".name")
		case i == 0 && g.From != 0:
			return cairn.Errorf(cairn.Invalid, "The first grade begins at 0.").At(at + ".from")
		case i > 0 && !(g.From > grades[i-1].From), !(g.From <= 100):
			return cairn.Errorf(cairn.Invalid, "Grades rise from 0 to 100.").At(at + ".from")
		}
	}
	return nil
}

// Warnings are what a model may do and hardly should, one sentence each.
func (m Model) Warnings() []string {
	var out []string
	most := float64(DefaultNPSMost)
	if m.NPSMost != nil {
		most = *m.NPSMost
	}
	if share := m.share(signal.NPS); share > most {
		out = append(out, fmt.Sprintf("The recommendation score (NPS) makes up %s %% of the level. It is one input among many and usually weighted too heavily; this model means to keep it at %s %%.", plain(share), plain(most)))
	}
	return out
}

// share returns how many percent of the level a signal can make up when
// nothing is missing.
func (m Model) share(name string) float64 {
	var within func(groups []Group, whole float64, in How) float64
	within = func(groups []Group, whole float64, in How) (sum float64) {
		for _, g := range groups {
			part := partOf(whole, g.Weight, in)
			for _, l := range g.Leaves {
				if l.Signal == name {
					sum += math.Abs(partOf(part, l.Weight, g.How))
				}
			}
			sum += within(g.Groups, part, g.How)
		}
		return sum
	}
	return within(m.Groups, 100, Mean)
}

func partOf(whole, weight float64, in How) float64 {
	if in == Worst {
		return whole
	}
	return whole * weight / 100
}
