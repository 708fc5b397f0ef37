package signal

import (
	"fmt"
	"slices"
	"strings"

	"cairn"
)

// Meaningful says which events move the customer toward the Desired Outcome;
// only these count as usage. The zero value is [DefaultExcept]. It is a choice
// for everybody, and sets for accounts that differ: the first whose conditions
// all hold replaces the choice as a whole.
type Meaningful struct {
	Choice
	Products map[string]Choice `json:"products,omitempty"` // instead of the choice, in that product
	Sets     []Set             `json:"sets,omitempty"`
}

// A Choice says which track events count. With neither list all do but
// [DefaultExcept].
type Choice struct {
	Only   []string `json:"only,omitempty"` // if not empty, these and no others, also of events to come
	Except []string `json:"except"`         // these do not count; nil: DefaultExcept
}

// A Set is what counts for accounts of which all conditions hold.
type Set struct {
	Name string `json:"name"` // what people call those accounts
	All  []Test `json:"all"`  // over traits, contract.… and account.… signals
	Choice
	Products map[string]Choice `json:"products,omitempty"`
}

// MostSets is how many sets there may be.
const MostSets = 20

// DefaultExcept returns the events that happen on the way to doing something
// and are therefore not Meaningful Activity unless the workspace says so.
func DefaultExcept() []string { return slices.Clone(except) }

var except = []string{
	"Page Viewed", "Screen Viewed", "Application Opened", "Application Backgrounded",
	"Signed In", "Signed Out", "Logged In", "Logged Out", "Session Started",
}

// Counts reports whether an event of this name counts.
func (c Choice) Counts(name string) bool {
	switch {
	case len(c.Only) > 0:
		return slices.Contains(c.Only, name)
	case c.Except == nil:
		return !slices.Contains(except, name)
	}
	return !slices.Contains(c.Except, name)
}

// Everybody is the number of the choice that holds where no set does.
const Everybody = -1

// Counts reports whether tallies of this product and name are Meaningful
// Activity for the accounts of a set (by its number, or [Everybody]). What the
// team wrote down itself never is, nor what a counter tallies.
func (m Meaningful) Counts(set int, product, name string) bool {
	return IsEvent(name) && m.For(set, product).Counts(name)
}

// For returns the choice for a set and a product.
func (m Meaningful) For(set int, product string) Choice {
	choice, products := m.Choice, m.Products
	if set >= 0 && set < len(m.Sets) {
		choice, products = m.Sets[set].Choice, m.Sets[set].Products
	}
	if c, ok := products[product]; ok {
		return c
	}
	return choice
}

// SetOf returns the number of the set that an account belongs to, by its
// signals; what is missing fulfils no condition.
func (m Meaningful) SetOf(s cairn.Signals) int {
	for i, set := range m.Sets {
		if Hold(set.All, s) {
			return i
		}
	}
	return Everybody
}

// Hold reports whether all conditions are true of what was measured. Of what is
// not known only "missing" is.
func Hold(all []Test, s cairn.Signals) bool {
	for _, t := range all {
		v, ok := s[t.Field]
		if !ok || !v.Known {
			if t.Op == "missing" {
				continue
			}
			return false
		}
		value := any(v.Number)
		if v.Text != "" {
			value = v.Text
		}
		if !t.holds(value, true) {
			return false
		}
	}
	return true
}

// Check refuses what could not be measured, naming what to correct.
func (m Meaningful) Check() error {
	if err := checkChoices(m.Choice, m.Products); err != nil {
		return err
	}
	if len(m.Sets) > MostSets {
		return cairn.Errorf(cairn.Invalid, "There may be at most %d groups of accounts.", MostSets).At("sets")
	}
	names := map[string]bool{}
	for i, set := range m.Sets {
		at := func(err *cairn.Error) error {
			return err.At(fmt.Sprintf("sets.%d.%s", i, err.Field))
		}
		name := strings.ToLower(strings.TrimSpace(set.Name))
		switch {
		case name == "":
			return at(cairn.Errorf(cairn.Invalid, "A group of accounts needs a name.").At("name"))
		case names[name]:
			return at(cairn.Errorf(cairn.Invalid, "Two groups of accounts are called %s.", set.Name).At("name"))
		case len(set.All) == 0:
			return at(cairn.Errorf(cairn.Invalid, "A group of accounts needs at least one condition; what counts for all stands outside the groups.").At("all"))
		}
		names[name] = true
		if err := CheckGroup(set.All); err != nil {
			return at(err.At("all." + err.Field))
		}
		if err := checkChoices(set.Choice, set.Products); err != nil {
			return at(err)
		}
	}
	return nil
}

// CheckGroup refuses conditions that do not tell a group of accounts, naming
// what to correct, such as "0.field".
func CheckGroup(all []Test) *cairn.Error {
	for j, t := range all {
		err := t.check()
		if err == nil && !before(t.Field) {
			err = cairn.Errorf(cairn.Invalid, "A group of accounts is told by trait.…, contract.… and account.… fields; %s depends on what counts.", t.Field).At("field")
		}
		if err != nil {
			return err.At(fmt.Sprintf("%d.%s", j, err.Field))
		}
	}
	return nil
}

// before reports whether a signal is measured before usage is.
func before(field string) bool {
	if strings.HasPrefix(field, traitPrefix) {
		return len(field) > len(traitPrefix)
	}
	if _, ok := Find(field); !ok {
		return false
	}
	return strings.HasPrefix(field, "contract.") || strings.HasPrefix(field, "account.")
}

func checkChoices(c Choice, products map[string]Choice) *cairn.Error {
	if err := c.check(); err != nil {
		return err
	}
	for name, c := range products {
		if err := c.check(); err != nil {
			return err.At("products." + name + "." + err.Field)
		}
	}
	return nil
}

func (c Choice) check() *cairn.Error {
	if len(c.Only) > 0 && len(c.Except) > 0 {
		return cairn.Errorf(cairn.Invalid, "Name the events that count, or those that do not, not both.").At("only")
	}
	if slices.Contains(c.Only, "") {
		return cairn.Errorf(cairn.Invalid, "An event needs a name.").At("only")
	}
	if slices.Contains(c.Except, "") {
		return cairn.Errorf(cairn.Invalid, "An event needs a name.").At("except")
	}
	return nil
}
