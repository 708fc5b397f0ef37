package cairn

import (
	"encoding/json"
	"time"
)

// A What says what an id names.
type What string

// What ids name. A visitor is a person of whom only an anonymous id is known.
const (
	AnAccount What = "account"
	APerson   What = "person"
	AVisitor  What = "visitor"
	AStream   What = "stream" // of a record that is nobody's
)

// A Slot says which question about an id a [Tie] answers.
type Slot string

// The slots. Of several ties about one id in one slot the strongest counts:
// one said by hand before one that was not, then the latest.
const (
	Into  Slot = "into"  // the id is another name of the target; of itself: it stands alone
	Home  Slot = "home"  // what names no account belongs to the target
	Aside Slot = "aside" // it waits for nobody: ignored
	Undo  Slot = "undo"  // the target, which is another tie, counts no more
)

// A Ref is an id with how it is called. Keys of people are personal and are
// left out.
type Ref struct {
	What  What   `json:"what"`
	ID    ID     `json:"id"`
	Space Space  `json:"space,omitempty"`
	Key   string `json:"key,omitempty"`
}

// A Tie is a statement about whose an id is. It is an event of kind
// [OfIdentity]; what was said is never changed, only outdone or undone, so
// that any order of the same ties ends in the same.
type Tie struct {
	ID      EventID   `json:"id"`
	Slot    Slot      `json:"slot"`
	Subject Ref       `json:"subject"`
	Target  Ref       `json:"target"`
	Why     string    `json:"why,omitempty"` // "domain acme.com, verified by salesforce"
	By      string    `json:"by"`            // the name of who said so, or of the source
	Hand    bool      `json:"hand"`          // a person said so
	At      time.Time `json:"at"`
	Undone  bool      `json:"undone,omitempty"`
}

// Event returns the event that says t, in the stream of what it is about.
func (t Tie) Event(seen time.Time) (Event, error) {
	body := t
	body.ID, body.At, body.Undone = EventID{}, time.Time{}, false
	props, err := json.Marshal(body)
	if err != nil {
		return Event{}, err
	}
	e := Event{
		ID: t.ID, Kind: OfIdentity, Name: t.Verb(), Source: "cairn",
		At: t.At, Seen: seen, N: 1, Props: props,
	}
	switch t.Subject.What {
	case AnAccount:
		e.Account, e.Keys.Account = AccountID{t.Subject.ID}, t.Subject.Key
		e.Stream = e.Account.Stream()
	case APerson:
		e.Person = PersonID{t.Subject.ID}
		e.Stream = e.Person.Stream()
	case AVisitor:
		e.Anon = PersonID{t.Subject.ID}
		e.Stream = e.Anon.Stream()
	default:
		e.Stream = StreamID{t.Subject.ID}
	}
	return e, nil
}

// Verb says in a word what t does.
func (t Tie) Verb() string {
	switch {
	case t.Slot == Undo:
		return "undone"
	case t.Slot == Aside:
		return "ignored"
	case t.Slot == Home:
		return "claimed"
	case t.Subject.ID == t.Target.ID:
		return "on its own"
	case t.Hand:
		return "merged"
	}
	return "matched"
}

// TieOf reads the tie that an event of kind [OfIdentity] says.
func TieOf(e *Event) (Tie, error) {
	var t Tie
	err := json.Unmarshal(e.Props, &t)
	t.ID, t.At = e.ID, e.At
	return t, err
}
