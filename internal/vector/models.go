package vector

import (
	"bytes"
	"cmp"
	"slices"

	"cairn"
	"cairn/internal/signal"
)

// Models are those of a workspace, in the order in which an account is held
// against them: the first whose conditions hold rates it. The last has none.
type Models []Model

// The pages of the book that models are kept on.
const (
	pagePrefix = "model/"
	OrderPage  = "models" // an [Order]
)

// PageOf returns the page of a model.
func PageOf(name string) string { return pagePrefix + name }

// Deleted reports whether the body of a model's page says that it was deleted.
func Deleted(body []byte) bool { return bytes.Equal(bytes.TrimSpace(body), []byte("null")) }

// An Order is the body of the page "models".
type Order struct {
	Models []string `json:"models"` // names
}

// InOrder puts models into a stated order. Those that it does not name follow,
// by name; those without conditions rate whatever is left and come last.
func InOrder(models []Model, order []string) Models {
	place := func(m Model) int {
		if i := slices.Index(order, m.Name); i >= 0 {
			return i
		}
		return len(order)
	}
	out := Models(slices.Clone(models))
	slices.SortStableFunc(out, func(a, b Model) int {
		return cmp.Or(cmp.Compare(min(len(b.For), 1), min(len(a.For), 1)), cmp.Compare(place(a), place(b)), cmp.Compare(a.Name, b.Name))
	})
	return out
}

// For returns the model that rates an account of which this was measured; the
// zero model, which knows no level, when there is none.
func (ms Models) For(sig cairn.Signals) Model {
	for _, m := range ms {
		if signal.Hold(m.For, sig) {
			return m
		}
	}
	return Model{}
}

// Named returns the model of a name.
func (ms Models) Named(name string) (Model, bool) {
	i := slices.IndexFunc(ms, func(m Model) bool { return m.Name == name })
	if i < 0 {
		return Model{}, false
	}
	return ms[i], true
}

// LookBack returns how many days before a moment the vectors of all models ask
// what was measured.
func (ms Models) LookBack() int {
	most := 7 * (Weeks + 1)
	for _, m := range ms {
		most = max(most, m.LookBack())
	}
	return most
}
