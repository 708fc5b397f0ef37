package forecast

import "fmt"

// A name says in words which group is meant.
type name struct {
	traits  Traits
	size    int8
	days    int32
	noticed bool
}

var (
	termWords   = []string{"quarterly contracts", "half-yearly contracts", "yearly contracts", "contracts of several years"}
	tenureWords = []string{"in their first year", "with 1 to 2 years’ tenure", "with 2 to 4 years’ tenure", "with more than 4 years’ tenure"}
	sizeWords   = []string{"of the smaller third", "of the middle third", "of the larger third"}
)

// at is the group of a level in words.
func (n name) at(level int) string {
	out := "contracts"
	if level >= 1 {
		out = termWords[termOf(n.traits.Months)]
	}
	if level >= 5 && n.traits.Product != "" {
		out += " for " + n.traits.Product
	}
	if level >= 4 {
		out += " " + sizeWords[n.size]
	}
	if level >= 2 {
		out += " " + tenureWords[tenureOf(n.traits.Tenure)]
	}
	switch {
	case level >= 3 && n.traits.Auto:
		out += " that renew by themselves"
	case level >= 3:
		out += " that must be signed again"
	}
	switch {
	case n.noticed && n.days == 0:
		out += ", with notice given,"
	case n.noticed:
		out += fmt.Sprintf(", with notice given %d days before,", n.days)
	case n.days == 0:
		out += " without notice"
	default:
		out += fmt.Sprintf(" without notice %d days before", n.days)
	}
	return out
}
