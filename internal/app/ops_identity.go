package app

import (
	"context"
	"strings"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
)

// Unclaimed lists what waits for somebody to say whose it is.
var Unclaimed = Op[account.TrayQuery, account.Tray]{"unclaimed", func(ctx context.Context, h House, q account.TrayQuery, _ func(Progress)) (account.Tray, error) {
	return h.Identity.Tray(ctx, cairn.Everything, q)
}}

// A ClaimAsked gives what waits to an account.
type ClaimAsked struct {
	IDs     []string `json:"ids"`
	Account string   `json:"account"` // id, key, domain or name; empty: each becomes an account of its own
}

// Claim gives what waits to an account, or makes accounts of it.
var Claim = Op[ClaimAsked, []cairn.Tie]{"claim", func(ctx context.Context, h House, q ClaimAsked, _ func(Progress)) ([]cairn.Tie, error) {
	ids, err := h.identified(ctx, q.IDs)
	if err != nil {
		return nil, err
	}
	var into cairn.AccountID
	if q.Account != "" {
		if into, err = h.Accounts.Find(ctx, cairn.Everything, q.Account); err != nil {
			return nil, err
		}
	}
	return h.Identity.Claim(ctx, cairn.House, ids, into)
}}

// Ignore has nobody be asked whose these are.
var Ignore = Op[[]string, []cairn.Tie]{"ignore", func(ctx context.Context, h House, in []string, _ func(Progress)) ([]cairn.Tie, error) {
	ids, err := h.identified(ctx, in)
	if err != nil {
		return nil, err
	}
	return h.Identity.Ignore(ctx, cairn.House, ids)
}}

// UndoTie takes back a merge, a match, a claim or an ignoring.
var UndoTie = Op[string, cairn.Tie]{"identity-undo", func(ctx context.Context, h House, text string, _ func(Progress)) (cairn.Tie, error) {
	id, err := cairn.ParseID(text)
	if err != nil {
		return cairn.Tie{}, err
	}
	return h.Identity.Undo(ctx, cairn.House, cairn.EventID{ID: id})
}}

// A MergeAsked makes one another name of a second: accounts, or people.
type MergeAsked struct {
	From   string `json:"from"`
	Into   string `json:"into"`
	People bool   `json:"people"` // they are people: by the keys that the product sends, or by ids
}

// PreviewMerge says what a merge would do.
var PreviewMerge = Op[MergeAsked, account.Preview]{"merge-preview", func(ctx context.Context, h House, q MergeAsked, _ func(Progress)) (account.Preview, error) {
	from, into, err := h.pair(ctx, q)
	if err != nil {
		return account.Preview{}, err
	}
	return h.Identity.Preview(ctx, cairn.Everything, from, into)
}}

// Merge merges two accounts or two people.
var Merge = Op[MergeAsked, cairn.Tie]{"merge", func(ctx context.Context, h House, q MergeAsked, _ func(Progress)) (cairn.Tie, error) {
	from, into, err := h.pair(ctx, q)
	if err != nil {
		return cairn.Tie{}, err
	}
	return h.Identity.Merge(ctx, cairn.House, from, into)
}}

// KnownAs tells under which ids an account is known, and its family.
var KnownAs = Op[string, account.Known]{"known", func(ctx context.Context, h House, text string, _ func(Progress)) (account.Known, error) {
	id, err := h.Accounts.Find(ctx, cairn.Everything, text)
	if err != nil {
		return account.Known{}, err
	}
	return h.Identity.Known(ctx, cairn.Everything, id)
}}

// Somebody tells who a person is: all ids and all places.
var Somebody = Op[string, account.Somebody]{"somebody", func(ctx context.Context, h House, text string, _ func(Progress)) (account.Somebody, error) {
	id, err := h.FindPerson(ctx, text)
	if err != nil {
		return account.Somebody{}, err
	}
	return h.Identity.Somebody(ctx, cairn.Everything, cairn.PersonID{ID: id})
}}

// A ParentAsked sets the parent of an account.
type ParentAsked struct {
	Account string `json:"account"`
	Parent  string `json:"parent"` // empty: none
}

// SetParent sets the parent of an account by hand.
var SetParent = Op[ParentAsked, account.Known]{"parent", func(ctx context.Context, h House, q ParentAsked, _ func(Progress)) (out account.Known, err error) {
	id, err := h.Accounts.Find(ctx, cairn.Everything, q.Account)
	if err != nil {
		return out, err
	}
	a, err := h.Accounts.Account(ctx, cairn.Everything, id)
	if err != nil {
		return out, err
	}
	var value any
	if q.Parent != "" {
		parent, err := h.Accounts.Find(ctx, cairn.Everything, q.Parent)
		if err != nil {
			return out, err
		}
		if err := h.Identity.CheckParent(ctx, id, parent); err != nil {
			return out, err
		}
		value = parent.String()
	}
	vs, err := h.Door.Admit(ctx, houseSource, []ingest.Record{{
		Kind: cairn.OfAccount, Keys: cairn.Keys{Account: a.Key}, In: a.Space, At: h.Now(), Props: map[string]any{"parent": value},
	}})
	if err != nil {
		return out, err
	}
	if v := vs[0]; v.Status == ingest.Rejected {
		return out, cairn.Errorf(cairn.Invalid, "%s", v.Reason).At(v.Field)
	}
	return h.Identity.Known(ctx, cairn.Everything, id)
}}

// identified reads ids as they are listed, or "space: key" of an account.
func (h House) identified(ctx context.Context, texts []string) ([]cairn.ID, error) {
	var out []cairn.ID
	for _, t := range texts {
		id, err := cairn.ParseID(t)
		if space, key, ok := strings.Cut(t, ":"); err != nil && ok {
			id, err = ingest.SpaceCalled(strings.TrimSpace(space)).Account(strings.TrimSpace(key)).ID, nil
		}
		if err != nil {
			return nil, cairn.Errorf(cairn.Invalid, "%q is neither an id nor “source: key”, such as salesforce:0018; cairn unclaimed list shows both.", t).At("id")
		}
		out = append(out, id)
	}
	return out, nil
}

func (h House) pair(ctx context.Context, q MergeAsked) (from, into cairn.ID, err error) {
	find := h.FindAccount
	if q.People {
		find = h.FindPerson
	}
	if from, err = find(ctx, q.From); err != nil {
		return from, into, err
	}
	into, err = find(ctx, q.Into)
	return from, into, err
}

// FindWaiting finds what waits by its id or "source: key".
func (h House) FindWaiting(ctx context.Context, text string) (cairn.ID, error) {
	ids, err := h.identified(ctx, []string{text})
	if err != nil {
		return cairn.ID{}, err
	}
	return ids[0], nil
}

// FindAccount finds an account by its id, key, domain or name, or by a source's
// own id as "source: key".
func (h House) FindAccount(ctx context.Context, text string) (cairn.ID, error) {
	if space, key, ok := strings.Cut(text, ":"); ok {
		id := ingest.SpaceCalled(strings.TrimSpace(space)).Account(strings.TrimSpace(key)).ID
		if _, err := h.Identity.Named(ctx, id); err == nil {
			return id, nil
		}
	}
	id, err := h.Accounts.Find(ctx, cairn.Everything, text)
	return id.ID, err
}

// FindPerson finds somebody by an id, by the key that the product sends, or by
// "source: key".
func (h House) FindPerson(ctx context.Context, text string) (cairn.ID, error) {
	if id, err := cairn.ParseID(text); err == nil {
		return id, nil
	}
	pepper, err := h.People.Pepper(ctx)
	if err != nil {
		return cairn.ID{}, err
	}
	id := pepper.Person("", text).ID
	if _, err := h.Identity.Named(ctx, id); err == nil {
		return id, nil
	}
	if space, key, ok := strings.Cut(text, ":"); ok {
		id := pepper.Person(ingest.SpaceCalled(strings.TrimSpace(space)), strings.TrimSpace(key)).ID
		if _, err := h.Identity.Named(ctx, id); err == nil {
			return id, nil
		}
	}
	return id, cairn.Errorf(cairn.NotFound, "Nobody is known as %q: the id that your product sends, “source: id”, or the number of a person is needed.", text).At("person")
}
