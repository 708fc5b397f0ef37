package account

import (
	_ "embed"
	"net/url"
	"strings"

	"cairn"
)

// Evidence says why an id may be another name of somebody who is known. The
// first three are sure enough to act upon, in this order.
type Evidence int

// The evidence there can be.
const (
	SameID     Evidence = iota + 1 // a source states the other's id
	SameDomain                     // a domain that a source has verified
	SameMail                       // the address of a person who is known
	LikeDomain                     // a domain that nobody has verified
	LikeName                       // the same name
	OneOf                          // one of several accounts that somebody belongs to
)

// Sure reports whether a match may be made without asking.
func (e Evidence) Sure() bool { return e <= SameMail }

// A Chance is somebody whom an id may stand for, and why.
type Chance struct {
	Who  cairn.Ref   `json:"who"`
	Name string      `json:"name"`          // of an account; empty of a person
	Own  cairn.Space `json:"own,omitempty"` // of a person: in which space the one asked about is known so
	By   Evidence    `json:"by"`
	Why  string      `json:"why"`
	// Undone: that it is so was said before and taken back. It may be
	// suggested, but is not said again without being asked.
	Undone bool `json:"undone,omitempty"`
}

// Decide returns the chance that may be taken without asking: the only one of
// the strongest evidence there is. Two of equal strength are not guessed
// between, and weaker evidence does not decide between them.
func Decide(chances []Chance) (Chance, bool) {
	for by := SameID; by.Sure(); by++ {
		var found []Chance
		for _, c := range chances {
			if c.By == by && !hasRef(found, c.Who) {
				found = append(found, c)
			}
		}
		switch {
		case len(found) == 1:
			return found[0], !found[0].Undone
		case len(found) > 1:
			return Chance{}, false
		}
	}
	return Chance{}, false
}

func hasRef(chances []Chance, r cairn.Ref) bool {
	for _, c := range chances {
		if c.Who.ID == r.ID {
			return true
		}
	}
	return false
}

//go:embed publicmail.txt
var publicMail string

var publicDomains = func() map[string]bool {
	out := map[string]bool{}
	for _, line := range strings.Split(publicMail, "\n") {
		if d := strings.TrimSpace(line); d != "" && !strings.HasPrefix(d, "#") {
			out[d] = true
		}
	}
	return out
}()

// PublicDomain reports whether anybody can get an address of the domain, so
// that it says nothing about who somebody is.
func PublicDomain(domain string) bool { return publicDomains[domain] }

// Domain returns the domain that a text names: a bare one, a web address or a
// mail address, in lower case and without "www.". It is empty when there is
// none, and when the domain is public.
func Domain(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	if i := strings.LastIndexByte(text, '@'); i >= 0 {
		text = text[i+1:]
	}
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	d := strings.TrimPrefix(strings.TrimSuffix(u.Hostname(), "."), "www.")
	if !strings.Contains(d, ".") || strings.ContainsAny(d, " :") || PublicDomain(d) {
		return ""
	}
	return d
}

// Mail returns an address as addresses are compared, and "" when text is none.
func Mail(text string) string {
	text = strings.ToLower(strings.TrimSpace(text))
	name, domain, ok := strings.Cut(text, "@")
	if !ok || name == "" || !strings.Contains(domain, ".") || strings.ContainsAny(text, " <>,;") {
		return ""
	}
	return text
}
