package account

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"cairn"
	"cairn/internal/event"
)

// A Name is an id under which a source knows an account or a person.
type Name struct {
	Ref    cairn.Ref  `json:"ref"`
	Source string     `json:"source"` // that was first to use it
	First  time.Time  `json:"first"`
	Last   time.Time  `json:"last"`          // zero: nothing came under it alone
	Events int        `json:"events"`        // at most MostCounted
	Tie    *cairn.Tie `json:"tie,omitempty"` // why it stands for this one; nil: it is its own id
}

// MostCounted is how far events are counted where only their number's size
// matters.
const MostCounted = 10_000

// A Kin is an account in a family.
type Kin struct {
	ID    cairn.AccountID `json:"id"`
	Name  string          `json:"name"`
	Known bool            `json:"known"` // the level is known
	Level cairn.Points    `json:"level"`
	Way   cairn.Way       `json:"way"`
}

// Known is how an account is known: its names, what was given to it, and its family.
type Known struct {
	Account  cairn.AccountID `json:"account"`
	Names    []Name          `json:"names"` // its own first
	Given    []Name          `json:"given"` // people and records that were given to it by hand
	Streams  int             `json:"streams"`
	Parents  []Kin           `json:"parents"` // the nearest first
	Children []Kin           `json:"children"`
	Parent   cairn.Said      `json:"parent"`           // the field, with who says so
	Circle   string          `json:"circle,omitempty"` // a chain of parents that leads back; then there is none
}

// A Place is an account at which somebody is.
type Place struct {
	Account cairn.AccountID `json:"account"`
	Name    string          `json:"name"`
	Sources []string        `json:"sources"` // that say so; empty: only seen there
	First   time.Time       `json:"first"`
	Last    time.Time       `json:"last"`
	Home    bool            `json:"home"` // what names no account belongs here
}

// Somebody is a person with all ids and places.
type Somebody struct {
	Person cairn.Person `json:"person"`
	Names  []Name       `json:"names"`
	Places []Place      `json:"places"`
	Home   *cairn.Tie   `json:"home,omitempty"` // that gives what names no account to one of them
	Loose  int          `json:"loose"`          // events that belong to no account
}

// A TrayQuery asks for a page of what is unclaimed.
type TrayQuery struct {
	What   string // account, person, record, visitor; empty: the first three
	Aside  bool   // what is ignored instead
	Search string // part of a key, or the beginning of a person's name or address
	Cursor string
	Limit  int // 1..200; 0 is 50
}

// A Waiting is something of which nobody has said whose it is.
type Waiting struct {
	Ref    cairn.Ref         `json:"ref"`
	Kind   string            `json:"kind"` // account, person, visitor, record
	Name   string            `json:"name"` // what is known of it; empty: nothing
	Source string            `json:"source"`
	First  time.Time         `json:"first"`
	Last   time.Time         `json:"last"`
	Events int               `json:"events"` // at most MostCounted
	Facts  map[string]string `json:"facts,omitempty"`
	Chance []Chance          `json:"suggested"`
	Aside  *cairn.Tie        `json:"ignored,omitempty"`
}

// A Tray is a page of what is unclaimed, the newest first.
type Tray struct {
	Waiting []Waiting      `json:"waiting"`
	Counts  map[string]int `json:"counts"` // by kind, at most MostCounted each
	Next    string         `json:"next,omitempty"`
}

// Open is how many wait for somebody: visitors do not.
func (t Tray) Open() int { return t.Counts["account"] + t.Counts["person"] + t.Counts["record"] }

// A Clash is a field of which two that are to be merged say different things.
type Clash struct {
	Field string     `json:"field"`
	From  cairn.Said `json:"from"`
	Into  cairn.Said `json:"into"`
	Then  cairn.Said `json:"then"` // what will be shown
}

// A Preview is what merging would do.
type Preview struct {
	From     cairn.Ref     `json:"from"`
	Into     cairn.Ref     `json:"into"`
	FromName string        `json:"from_name"`
	IntoName string        `json:"into_name"`
	Streams  int           `json:"streams"` // that come to Into
	People   int           `json:"people"`
	Records  int           `json:"records"`
	Tasks    int           `json:"tasks"` // open ones among them
	Clashes  []Clash       `json:"clashes"`
	Before   *cairn.Vector `json:"before,omitempty"` // of Into
	Moved    *cairn.Vector `json:"moved,omitempty"`  // of From
	After    *cairn.Vector `json:"after,omitempty"`
}

// An IdentityStore keeps who is who.
type IdentityStore interface {
	Append(ctx context.Context, events []cairn.Event) ([]event.Admitted, error)
	// Holder returns the account that an id stands for now; cairn.NotFound
	// while it waits.
	Holder(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (cairn.AccountID, error)
	// Named returns how an id of an account, a person or a stream is called;
	// cairn.NotFound when it never was.
	Named(ctx context.Context, id cairn.ID) (cairn.Ref, error)
	// Root returns who an id is now.
	Root(ctx context.Context, id cairn.ID) (cairn.ID, error)
	// Tie returns a statement with whether it was undone.
	Tie(ctx context.Context, id cairn.EventID) (cairn.Tie, error)
	Known(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (Known, error)
	Somebody(ctx context.Context, scope cairn.Scope, id cairn.PersonID) (Somebody, error)
	Tray(ctx context.Context, scope cairn.Scope, q TrayQuery) (Tray, error)
	// WaitingCount is how many wait for somebody, at most MostCounted of each kind.
	WaitingCount(ctx context.Context, scope cairn.Scope) (int, error)
	// Compare fills in what merging would move and which fields clash.
	Compare(ctx context.Context, scope cairn.Scope, p *Preview) error
	// Kinship returns the chain of parents that id would have under parent,
	// from parent upwards, by name.
	Kinship(ctx context.Context, parent cairn.AccountID) ([]Kin, error)
}

// An Identity changes who is who. Every change is an event in the log that
// can be undone.
type Identity struct {
	IdentityStore
	Now func() time.Time
	// Together measures two accounts as one; nil: the preview leaves it out.
	Together func(ctx context.Context, scope cairn.Scope, a, b cairn.AccountID) (cairn.Vector, error)
	Explain  Explainer
	// Once names a change, with all that it says, so that making it again under
	// the same name changes nothing; empty: each time is one of its own.
	Once string
}

// tieID is the id of what by says; of the same said under the same name, the
// same.
func (x Identity) tieID(by cairn.Actor, t cairn.Tie) cairn.EventID {
	if x.Once == "" {
		return cairn.EventID{ID: cairn.HashID("tie", rand.Text())}
	}
	return cairn.EventID{ID: cairn.HashID("tie-once", by.ID, x.Once, t.Subject.ID.String())}
}

// say appends what somebody said, under an id of its own.
func (x Identity) say(ctx context.Context, by cairn.Actor, ties ...cairn.Tie) ([]cairn.Tie, error) {
	if by.Kind == "" {
		return nil, cairn.Errorf(cairn.Forbidden, "Only who is signed in may say who is who.")
	}
	now := x.Now().UTC().Truncate(time.Microsecond)
	var events []cairn.Event
	for i := range ties {
		t := &ties[i]
		t.By, t.Hand, t.At = by.Name, true, now
		if t.ID.IsZero() {
			t.ID = x.tieID(by, *t)
		}
		e, err := t.Event(now)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	_, err := x.Append(ctx, events)
	return ties, err
}

// Merge makes one account, or one person, another name of a second one.
func (x Identity) Merge(ctx context.Context, by cairn.Actor, from, into cairn.ID) (cairn.Tie, error) {
	id := x.tieID(by, cairn.Tie{})
	if x.Once != "" {
		if was, err := x.Tie(ctx, id); err == nil {
			return was, nil
		}
	}
	subject, target, err := x.pair(ctx, from, into)
	if err != nil {
		return cairn.Tie{}, err
	}
	ties, err := x.say(ctx, by, cairn.Tie{ID: id, Slot: cairn.Into, Subject: subject, Target: target})
	if err != nil {
		return cairn.Tie{}, err
	}
	return ties[0], nil
}

// pair returns who two ids are, and refuses what cannot be one.
func (x Identity) pair(ctx context.Context, from, into cairn.ID) (subject, target cairn.Ref, err error) {
	for _, p := range []struct {
		id cairn.ID
		to *cairn.Ref
	}{{from, &subject}, {into, &target}} {
		root, err := x.Root(ctx, p.id)
		if err != nil {
			return subject, target, err
		}
		if *p.to, err = x.Named(ctx, root); err != nil {
			return subject, target, err
		}
	}
	people := func(w cairn.What) bool { return w == cairn.APerson || w == cairn.AVisitor }
	switch {
	case subject.ID == target.ID:
		return subject, target, cairn.Errorf(cairn.Conflict, "These are one already.").At("into")
	case subject.What != target.What && !(people(subject.What) && people(target.What)):
		return subject, target, cairn.Errorf(cairn.Invalid, "An account and a person cannot be merged.").At("into")
	case subject.What == cairn.AnAccount:
		if _, err := x.Holder(ctx, cairn.Everything, cairn.AccountID{ID: target.ID}); err != nil {
			return subject, target, cairn.Errorf(cairn.Conflict, "%s is unclaimed itself: make it an account first.", called(target)).At("into").Because(err)
		}
	}
	return subject, target, nil
}

// called is what an id is called in sentences.
func called(r cairn.Ref) string {
	switch {
	case r.Key == "":
		return "This " + string(r.What)
	case r.Space == "":
		return r.Key
	}
	return string(r.Space) + ": " + r.Key
}

// Undo takes back a tie: a merge, a match, a claim, an ignoring.
func (x Identity) Undo(ctx context.Context, by cairn.Actor, id cairn.EventID) (cairn.Tie, error) {
	t, err := x.Tie(ctx, id)
	if err != nil {
		return t, err
	}
	if t.Undone {
		return t, cairn.Errorf(cairn.Conflict, "This was undone already.").At("tie")
	}
	u := cairn.Tie{Slot: cairn.Undo, Subject: t.Subject, Target: cairn.Ref{ID: t.ID.ID}}
	if !t.Hand && t.Slot == cairn.Into && strings.HasPrefix(t.Why, "said by ") {
		// A source will say so again with its next call: somebody's word outdoes it.
		u = cairn.Tie{Slot: cairn.Into, Subject: t.Subject, Target: t.Subject}
	}
	ties, err := x.say(ctx, by, u)
	if err != nil {
		return t, err
	}
	return ties[0], nil
}

// Claim gives what waits to an account; a zero one makes each account that
// waits one of its own.
func (x Identity) Claim(ctx context.Context, by cairn.Actor, ids []cairn.ID, into cairn.AccountID) ([]cairn.Tie, error) {
	var target cairn.Ref
	if !into.IsZero() {
		holder, err := x.Holder(ctx, cairn.Everything, into)
		if err != nil {
			return nil, err
		}
		if target, err = x.Named(ctx, holder.ID); err != nil {
			return nil, err
		}
	}
	ties, err := x.each(ctx, ids, func(r cairn.Ref) (cairn.Tie, error) {
		t := cairn.Tie{Slot: cairn.Home, Subject: r, Target: target}
		if r.What == cairn.AnAccount {
			t.Slot = cairn.Into
		}
		if into.IsZero() {
			if r.What != cairn.AnAccount {
				return t, cairn.Errorf(cairn.Invalid, "A person or a record cannot become an account: say which account it belongs to.").At("account")
			}
			t.Target = r
		}
		return t, nil
	})
	if err != nil {
		return nil, err
	}
	return x.say(ctx, by, ties...)
}

// Ignore has nobody be asked whose these are. They are kept.
func (x Identity) Ignore(ctx context.Context, by cairn.Actor, ids []cairn.ID) ([]cairn.Tie, error) {
	ties, err := x.each(ctx, ids, func(r cairn.Ref) (cairn.Tie, error) {
		return cairn.Tie{Slot: cairn.Aside, Subject: r}, nil
	})
	if err != nil {
		return nil, err
	}
	return x.say(ctx, by, ties...)
}

func (x Identity) each(ctx context.Context, ids []cairn.ID, make func(cairn.Ref) (cairn.Tie, error)) ([]cairn.Tie, error) {
	if len(ids) == 0 {
		return nil, cairn.Errorf(cairn.Invalid, "Choose at least one.").At("id")
	}
	if len(ids) > 500 {
		return nil, cairn.Errorf(cairn.TooLarge, "At most 500 at a time.").At("id")
	}
	var out []cairn.Tie
	for _, id := range ids {
		r, err := x.Named(ctx, id)
		if err != nil {
			return nil, err
		}
		t, err := make(r)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// Preview says what merging would do, and changes nothing.
func (x Identity) Preview(ctx context.Context, scope cairn.Scope, from, into cairn.ID) (Preview, error) {
	var p Preview
	var err error
	if p.From, p.Into, err = x.pair(ctx, from, into); err != nil {
		return p, err
	}
	if err := x.Compare(ctx, scope, &p); err != nil || p.Into.What != cairn.AnAccount || x.Together == nil {
		return p, err
	}
	a, b := cairn.AccountID{ID: p.Into.ID}, cairn.AccountID{ID: p.From.ID}
	if _, err := x.Holder(ctx, scope, b); cairn.KindOf(err) == cairn.NotFound && err != nil {
		return p, nil // it waits, so that nothing of it is measured yet
	}
	for _, m := range []struct {
		of cairn.AccountID
		to **cairn.Vector
	}{{a, &p.Before}, {b, &p.Moved}} {
		v, _, err := x.Explain.Explain(ctx, scope, m.of, time.Time{})
		if err != nil {
			return p, err
		}
		*m.to = &v
	}
	v, err := x.Together(ctx, scope, a, b)
	p.After = &v
	return p, err
}

// CheckParent refuses a parent that would make a circle, and names the chain.
func (x Identity) CheckParent(ctx context.Context, child, parent cairn.AccountID) error {
	chain, err := x.Kinship(ctx, parent)
	if err != nil {
		return err
	}
	var names []string
	for _, k := range chain {
		names = append(names, k.Name)
		if k.ID == child {
			if len(names) == 1 {
				return cairn.Errorf(cairn.Conflict, "An account cannot be its own parent.").At("parent")
			}
			return cairn.Errorf(cairn.Conflict, "This would make a circle: %s → %s.", k.Name, strings.Join(names, " → ")).At("parent")
		}
	}
	return nil
}
