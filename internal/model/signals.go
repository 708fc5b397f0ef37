package model

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// A Signal is what there is to know about one over all accounts.
type Signal struct {
	signal.Def
	Accounts int       `json:"accounts"`           // that have had a turn
	Known    int       `json:"known"`              // of which it was measured
	Fresh    time.Time `json:"fresh,omitzero"`     // At of the newest fact or event behind any of them
	Stale    int       `json:"stale"`              // measured as of an earlier moment, because a source is silent
	Spread   []float64 `json:"quantiles,omitzero"` // 21, at 0, 5, … 100 %; none for texts, and where nothing is known
	Texts    []Said    `json:"texts,omitempty"`    // of texts, the most frequent first; at most MostTexts
	Missing  []Said    `json:"missing"`            // why it is missing, the most frequent first; at most MostTexts
	Readers  []string  `json:"read_by"`            // models and rules
}

// A Said is how often a text was measured, or why something was not.
type Said struct {
	Text     string `json:"text"`
	Accounts int    `json:"accounts"`
}

// MostTexts is how many texts of a signal are told.
const MostTexts = 10

// Signals returns all signals, measured anywhere or not, in the catalogue's
// order; traits and signals of one product follow, by name.
func (s *Service) Signals(ctx context.Context, scope cairn.Scope) ([]Signal, error) {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	var order []*tallied
	seen := map[string]*tallied{}
	of := func(def signal.Def) *tallied {
		t := &tallied{Signal: Signal{Def: def, Missing: []Said{}, Readers: defs.Readers(def.Name)}, texts: map[string]int{}, why: map[string]int{}}
		order, seen[def.Name] = append(order, t), t
		return t
	}
	for _, d := range defs.Catalogue.Defs() {
		of(d)
	}
	fixed, accounts := len(order), 0
	err = s.Store.Measured(ctx, scope, func(a Account) error {
		accounts++
		for name, v := range a.Signals {
			t := seen[name]
			if t == nil {
				def, _ := defs.Catalogue.Def(name)
				t = of(def)
			}
			t.add(v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(order[fixed:], func(a, b *tallied) int { return strings.Compare(a.Name, b.Name) })
	out := make([]Signal, len(order))
	for i, t := range order {
		out[i] = t.end(accounts)
	}
	return out, nil
}

// Signal returns one of them; cairn.NotFound when there is none.
func (s *Service) Signal(ctx context.Context, scope cairn.Scope, name string) (Signal, error) {
	all, err := s.Signals(ctx, scope)
	if err != nil {
		return Signal{}, err
	}
	i := slices.IndexFunc(all, func(x Signal) bool { return x.Name == name })
	if i < 0 {
		return Signal{}, cairn.Errorf(cairn.NotFound, "There is no signal %q.", name).At("name")
	}
	return all[i], nil
}

// A tallied signal is being counted.
type tallied struct {
	Signal
	numbers    []float64
	texts, why map[string]int
}

func (t *tallied) add(v cairn.Signal) {
	if !v.Known {
		t.why[v.Why]++
		return
	}
	t.Known++
	if v.Fresh.After(t.Fresh) {
		t.Fresh = v.Fresh
	}
	if v.Stale != nil {
		t.Stale++
	}
	if v.Text != "" {
		t.texts[v.Text]++
	} else if !math.IsNaN(v.Number) {
		t.numbers = append(t.numbers, v.Number)
	}
}

func (t *tallied) end(accounts int) Signal {
	s := t.Signal
	s.Accounts = accounts
	if y := signal.Quantiles(t.numbers); y.N > 0 {
		s.Spread = y.Q
	}
	s.Texts, s.Missing = most(t.texts), append(s.Missing, most(t.why)...)
	return s
}

func most(counts map[string]int) []Said {
	var out []Said
	for text, n := range counts {
		out = append(out, Said{text, n})
	}
	slices.SortFunc(out, func(a, b Said) int {
		if a.Accounts != b.Accounts {
			return b.Accounts - a.Accounts
		}
		return strings.Compare(a.Text, b.Text)
	})
	return out[:min(len(out), MostTexts)]
}
