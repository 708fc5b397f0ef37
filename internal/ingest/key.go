package ingest

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// A KeyScope is something that a key allows.
type KeyScope string

// The scopes of keys.
const (
	MayWrite KeyScope = "write" // send records
	MayRead  KeyScope = "read"  // read the change feed and the resource API

	// MayReadPersonal adds to MayRead what is personal.
	MayReadPersonal KeyScope = "personal"

	// MayManage adds to MayRead to change who is who, what counts, and what was
	// refused.
	MayManage KeyScope = "manage"
)

// A Key is what a source proves itself with, as it can be told of: of its text
// only the beginning is kept, as its hint.
type Key struct {
	ID     int64      `json:"id"`
	Source string     `json:"source"`
	Name   string     `json:"name"`
	Hint   string     `json:"hint"` // "wk_1a2b…"
	Scopes []KeyScope `json:"scopes"`

	// What the key is limited to for writing; empty: not limited.
	Kinds   []cairn.EventKind `json:"kinds,omitempty"`   // kinds of records
	Origins []string          `json:"origins,omitempty"` // pages that may use it: "https://app.example.com"
	Paths   []string          `json:"paths,omitempty"`   // endpoints, as "/v1/batch"; one that ends in / means all below

	Limits Limits `json:"limits,omitzero"`

	Made        time.Time    `json:"made"`
	By          cairn.Actor  `json:"by"`
	Expires     time.Time    `json:"expires,omitzero"`
	RotatedTo   int64        `json:"rotated_to,omitempty"` // the key that replaces it
	Withdrawn   time.Time    `json:"withdrawn,omitzero"`
	WithdrawnBy *cairn.Actor `json:"withdrawn_by,omitempty"`

	LastUsed string `json:"last_used,omitempty"` // the day, as 2026-01-31 in the workspace's zone; empty: never
}

// A Grant is what a key that was sent allows.
type Grant struct {
	Source Source
	Key    Key
}

// Keys are what sources prove themselves with. Every change is a revision of
// the book's page "source/NAME/keys".
type Keys interface {
	// Grant returns what a key as sent allows at a moment. One that is not known,
	// has expired or was withdrawn is cairn.Unauthentic, and the error says which
	// key it was and since when. It notes the day of use, once a day.
	Grant(ctx context.Context, text string, now time.Time) (Grant, error)
	// AddKey makes a key of k.Source with k's name, scopes and limits and
	// returns it with its text, which is told this once: its hash is kept.
	AddKey(ctx context.Context, by cairn.Actor, k Key, now time.Time) (Key, string, error)
	// RotateKey makes a key like another, which ends when the overlap has passed.
	RotateKey(ctx context.Context, by cairn.Actor, source string, id int64, overlap time.Duration, now time.Time) (Key, string, error)
	// ChangeKey changes the name, the limits and the expiry of a key.
	ChangeKey(ctx context.Context, by cairn.Actor, k Key, now time.Time) (Key, error)
	// WithdrawKey ends a key at once, or takes that back.
	WithdrawKey(ctx context.Context, by cairn.Actor, source string, id int64, back bool, now time.Time) (Key, error)
	// SpendKey adds to what a key has sent on a day, over all servers, and
	// returns the sum.
	SpendKey(ctx context.Context, id int64, day cairn.Day, n int64) (int64, error)
}

// A KeyState is how a key stands.
type KeyState string

// The states of keys.
const (
	KeyActive    KeyState = "active"
	KeyExpired   KeyState = "expired"
	KeyWithdrawn KeyState = "withdrawn"
)

// State returns how k stands at a moment, and since when it has ended.
func (k Key) State(now time.Time) (KeyState, time.Time) {
	switch {
	case !k.Withdrawn.IsZero() && !now.Before(k.Withdrawn):
		return KeyWithdrawn, k.Withdrawn
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return KeyExpired, k.Expires
	}
	return KeyActive, time.Time{}
}

// Check refuses a key that has ended, saying which one and since when.
func (k Key) Check(now time.Time) error {
	const form = "2 Jan 2006, 15:04 UTC"
	switch state, since := k.State(now); state {
	case KeyWithdrawn:
		return cairn.Errorf(cairn.Unauthentic, "%s was withdrawn on %s.", k.called(), since.UTC().Format(form)).At("writeKey")
	case KeyExpired:
		after := ""
		if k.RotatedTo != 0 {
			after = " Another key has taken its place."
		}
		return cairn.Errorf(cairn.Unauthentic, "%s expired on %s.%s", k.called(), since.UTC().Format(form), after).At("writeKey")
	}
	return nil
}

// Label names the key: “Website” (wk_1a2b…).
func (k Key) Label() string {
	if k.Name == "" {
		return k.Hint
	}
	return fmt.Sprintf("“%s” (%s)", k.Name, k.Hint)
}

func (k Key) called() string { return "The key " + k.Label() }

// May refuses what the key's scopes do not allow.
func (k Key) May(scope KeyScope) error {
	if slices.Contains(k.Scopes, scope) {
		return nil
	}
	return cairn.Errorf(cairn.Forbidden, "%s may %s and not %s.", k.called(), join(k.Scopes), scope)
}

// At refuses a use from a page's origin (empty: not from a browser's page) or
// at an endpoint, given by all its names, that the key is not meant for.
func (k Key) At(origin string, paths ...string) error {
	if len(k.Origins) > 0 && !slices.ContainsFunc(k.Origins, func(o string) bool { return strings.EqualFold(o, origin) }) {
		return cairn.Errorf(cairn.Forbidden, "%s may be used by pages of %s only.", k.called(), strings.Join(k.Origins, ", "))
	}
	at := func(path string) bool {
		return slices.ContainsFunc(k.Paths, func(p string) bool {
			return path == p || strings.HasSuffix(p, "/") && (strings.HasPrefix(path, p) || path+"/" == p)
		})
	}
	if len(k.Paths) > 0 && !slices.ContainsFunc(paths, at) {
		return cairn.Errorf(cairn.Forbidden, "%s may be used at %s only.", k.called(), strings.Join(k.Paths, ", "))
	}
	return nil
}

func join[T ~string](list []T) string {
	var b strings.Builder
	for i, s := range list {
		switch {
		case i > 0 && i == len(list)-1:
			b.WriteString(" and ")
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(string(s))
	}
	return b.String()
}

// writable are the kinds of records that a key can be limited to.
var writable = append([]cairn.EventKind{cairn.Track, cairn.Interaction, cairn.Alias}, cairn.RecordKinds...)

// Settle fills in what a key leaves open, and refuses what cannot be.
func (k Key) Settle(now time.Time) (Key, error) {
	k.Name = strings.TrimSpace(k.Name)
	if len(k.Scopes) == 0 {
		k.Scopes = []KeyScope{MayWrite}
	}
	slices.SortFunc(k.Scopes, func(a, b KeyScope) int { return cmp.Compare(b, a) }) // write first
	k.Scopes = slices.Compact(k.Scopes)
	for _, s := range k.Scopes {
		if s != MayWrite && s != MayRead && s != MayReadPersonal && s != MayManage {
			return k, cairn.Errorf(cairn.Invalid, "%q is no scope: write, read, personal or manage.", s).At("scopes")
		}
	}
	if slices.Contains(k.Scopes, MayReadPersonal) && !slices.Contains(k.Scopes, MayRead) {
		return k, cairn.Errorf(cairn.Invalid, "What is personal is read with the scope read: give the key both.").At("scopes")
	}
	if slices.Contains(k.Scopes, MayManage) && !slices.Contains(k.Scopes, MayRead) {
		return k, cairn.Errorf(cairn.Invalid, "Who may manage must be able to read: give the key the scope read too.").At("scopes")
	}
	writes := slices.Contains(k.Scopes, MayWrite)
	switch {
	case len([]rune(k.Name)) > 60:
		return k, cairn.Errorf(cairn.Invalid, "A key's name has at most 60 characters.").At("name")
	case !writes && len(k.Kinds) > 0:
		return k, cairn.Errorf(cairn.Invalid, "Only a key that may write is limited to kinds of records.").At("kinds")
	case !k.Expires.IsZero() && !k.Expires.After(now):
		return k, cairn.Errorf(cairn.Invalid, "The key would have expired already.").At("expires")
	}
	for _, kind := range k.Kinds {
		if !slices.Contains(writable, kind) {
			return k, cairn.Errorf(cairn.Invalid, "%q is no kind of record: %s.", kind, join(writable)).At("kinds")
		}
	}
	if err := k.Limits.Check(); err != nil {
		return k, err
	}
	for i, o := range k.Origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			return k, cairn.Errorf(cairn.Invalid, "%q is not an origin such as https://app.example.com.", o).At("origins")
		}
		k.Origins[i] = strings.ToLower(u.Scheme + "://" + u.Host)
	}
	for _, p := range k.Paths {
		if !strings.HasPrefix(p, "/") {
			return k, cairn.Errorf(cairn.Invalid, "%q is not a path such as /v1/batch.", p).At("paths")
		}
	}
	return k, nil
}

// FindKey returns the key that a person means: by its number, by its hint with
// or without the dots, or by its name. Of several, those that have ended are
// left out.
func FindKey(keys []Key, text string, now time.Time) (Key, error) {
	text = strings.TrimSpace(text)
	begin := strings.TrimRight(text, ".…")
	id, _ := strconv.ParseInt(text, 10, 64)
	var found, alive []Key
	for _, k := range keys {
		if k.ID == id || text != "" && strings.EqualFold(k.Name, text) || len(begin) > 4 && begin+"…" == k.Hint {
			found = append(found, k)
			if state, _ := k.State(now); state == KeyActive {
				alive = append(alive, k)
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(alive) == 1:
		return alive[0], nil
	case len(found) == 0:
		return Key{}, cairn.Errorf(cairn.NotFound, "There is no key %q; cairn source key list shows those there are.", text).At("key")
	}
	return Key{}, cairn.Errorf(cairn.Invalid, "%d keys are called %q: name it by its number.", len(found), text).At("key")
}
