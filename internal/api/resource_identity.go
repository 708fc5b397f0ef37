package api

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
)

// A RefTold is an id with how it is called.
type RefTold struct {
	What  string `json:"what" doc:"What the id names: account, person, visitor (a person of whom only an anonymous id is known), or stream (of a record that is nobody's)."`
	ID    string `json:"id" doc:"The id, 32 hexadecimal digits."`
	Space string `json:"space,omitempty" doc:"The source whose own id it is; absent: an id that sources share."`
	Key   string `json:"key,omitempty" doc:"Of an account: as its source calls it. Keys of people are personal and are never here."`
}

func refOf(r cairn.Ref) RefTold {
	return RefTold{string(r.What), r.ID.String(), string(r.Space), r.Key}
}

// A tieTold is one statement about whose an id is.
type tieTold struct {
	ID      string    `json:"id" doc:"By which it is undone."`
	Says    string    `json:"says" enum:"into,home,aside,undo" doc:"into: the subject is another name of the target (of itself: it stands alone). home: what names no account belongs to the target. aside: nobody is asked whose it is. undo: another tie counts no more."`
	Subject RefTold   `json:"subject" doc:"Whose id it is about."`
	Target  *RefTold  `json:"target,omitempty" doc:"What it is said to be or to belong to; absent where nothing is."`
	Why     string    `json:"why,omitempty" doc:"Why a match was made, in words."`
	By      string    `json:"by" doc:"Who said so: a person, a key, or the source."`
	ByHand  bool      `json:"by_hand" doc:"Somebody said so, and no match or source; it counts for more."`
	At      time.Time `json:"at" doc:"When it was said."`
	Undone  bool      `json:"undone" doc:"It counts no more."`
}

func tieOf(t cairn.Tie) tieTold {
	out := tieTold{t.ID.String(), string(t.Slot), refOf(t.Subject), nil, t.Why, t.By, t.Hand, t.At, t.Undone}
	if !t.Target.ID.IsZero() {
		target := refOf(t.Target)
		out.Target = &target
	}
	return out
}

func tiePointer(t *cairn.Tie) *tieTold {
	if t == nil {
		return nil
	}
	told := tieOf(*t)
	return &told
}

// A tiesTold is what was said.
type tiesTold struct {
	Ties []tieTold `json:"ties" doc:"What was said, one for each id. Each can be undone."`
}

func tiesOf(ties []cairn.Tie) tiesTold {
	out := tiesTold{make([]tieTold, len(ties))}
	for i, t := range ties {
		out.Ties[i] = tieOf(t)
	}
	return out
}

// A waitingTold is something of which nobody has said whose it is.
type waitingTold struct {
	RefTold
	Kind      string            `json:"kind" enum:"account,person,visitor,record" doc:"What waits."`
	Name      string            `json:"name,omitempty" doc:"What it is called. Of people only with personal."`
	Source    string            `json:"source" doc:"That was first to send it."`
	First     time.Time         `json:"first" doc:"When its first event happened."`
	Last      *time.Time        `json:"last,omitempty" doc:"When its newest event happened; absent: it has none."`
	Events    int               `json:"events" doc:"Events that wait with it, counted up to 10,000."`
	Facts     map[string]string `json:"facts,omitempty" doc:"A few of its fields. Of people only with personal."`
	Suggested []chanceTold      `json:"suggested" doc:"Accounts that it may belong to, the likeliest first."`
	Ignored   *tieTold          `json:"ignored,omitempty" doc:"Who put it aside; undo this tie to have it back."`
}

// A chanceTold is an account that something may belong to.
type chanceTold struct {
	RefTold
	Name     string `json:"name" doc:"Of the account."`
	Evidence string `json:"evidence" enum:"id,verified_domain,mail,domain,name,membership" doc:"By what it was recognised. The first three are matched without asking unless two accounts are equally likely, or it was undone before."`
	Why      string `json:"why" doc:"The same in words."`
	Undone   bool   `json:"undone" doc:"It was matched once, and somebody took that back."`
}

var evidence = map[account.Evidence]string{
	account.SameID: "id", account.SameDomain: "verified_domain", account.SameMail: "mail",
	account.LikeDomain: "domain", account.LikeName: "name", account.OneOf: "membership",
}

func waitingOf(w account.Waiting, personal bool) waitingTold {
	out := waitingTold{RefTold: refOf(w.Ref), Kind: w.Kind, Name: w.Name, Source: w.Source, First: w.First, Events: w.Events,
		Facts: w.Facts, Suggested: []chanceTold{}, Ignored: tiePointer(w.Aside)}
	if w.Kind != "account" && w.Kind != "record" && !personal {
		out.Name, out.Facts = "", nil
	}
	if !w.Last.IsZero() {
		out.Last = &w.Last
	}
	for _, c := range w.Chance {
		out.Suggested = append(out.Suggested, chanceTold{refOf(c.Who), c.Name, evidence[c.By], c.Why, c.Undone})
	}
	return out
}

// A trayTold is a page of what is unclaimed.
type trayTold struct {
	Unclaimed []waitingTold  `json:"unclaimed" doc:"What waits, the newest first."`
	Counts    map[string]int `json:"counts" doc:"How many wait, by kind, counted up to 10,000 each."`
	Cursor    string         `json:"cursor,omitempty" doc:"Pass it to get the next page; absent on the last one."`
}

type unclaimedAsked struct {
	Kind     string `query:"kind" enum:"account,person,record,visitor" doc:"Only these; otherwise accounts, people and records."`
	Ignored  bool   `query:"ignored" doc:"What was put aside instead."`
	Search   string `query:"search" doc:"Part of a key, or the beginning of a person's name or address."`
	Cursor   string `query:"cursor" doc:"Of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"At most so many."`
	Personal bool   `query:"personal" doc:"With names and addresses of people; needs the scope personal too."`
}

// Once is the header by which a request that is sent again changes nothing.
type Once struct {
	Key string `header:"Idempotency-Key" maxLength:"255" doc:"The same request sent again under the same key says the same thing once."`
}

type claimAsked struct {
	Once
	Body struct {
		IDs     []string `json:"ids" minItems:"1" maxItems:"500" doc:"Ids as listed, or source: key of an account."`
		Account string   `json:"account,omitempty" doc:"Whose they are: id, key, domain or name of an account."`
		New     bool     `json:"new,omitempty" doc:"Make each an account of its own instead. Accounts only."`
	}
}

type ignoreAsked struct {
	Once
	Body struct {
		IDs []string `json:"ids" minItems:"1" maxItems:"500" doc:"Ids as listed, or source: key of an account."`
	}
}

type claimPreviewAsked struct {
	Personal bool `query:"personal" doc:"With personal values in fields; needs the scope personal too."`
	Body     struct {
		IDs     []string `json:"ids" minItems:"1" maxItems:"50" doc:"Ids as listed, or source: key of an account."`
		Account string   `json:"account" doc:"Whose they would be: id, key, domain or name of an account."`
	}
}

// A claimPreviewed is what a claim would bring.
type claimPreviewed struct {
	Account RefTold        `json:"account" doc:"That they would belong to."`
	Claims  []claimPreview `json:"claims" doc:"What each would bring, in the order asked."`
}

type claimPreview struct {
	RefTold
	Events  int         `json:"events" doc:"Of a person: events that belong to no account yet, counted up to 10,000."`
	Streams int         `json:"streams" doc:"Of an account: streams of events that come with it."`
	People  int         `json:"people" doc:"Of an account: people who come with it."`
	Records int         `json:"records" doc:"Records that come with it."`
	Clashes []clashTold `json:"clashes" doc:"Fields of which both say something, and not the same."`
}

type mergeAsked struct {
	Once
	Body mergeBody
}

type mergeBody struct {
	From   string `json:"from" doc:"What becomes another name: of accounts an id, a key, a domain, a name, or source: key; of people an id, the id that the product sends, or source: id."`
	Into   string `json:"into" doc:"What it becomes a name of, said in the same way."`
	People bool   `json:"people,omitempty" doc:"They are people and not accounts."`
}

type mergePreviewAsked struct {
	Personal bool `query:"personal" doc:"With names and personal fields of people; needs the scope personal too."`
	Body     mergeBody
}

// A previewTold is what a merge would do.
type previewTold struct {
	From     RefTold     `json:"from" doc:"What would become another name."`
	Into     RefTold     `json:"into" doc:"What would stay."`
	FromName string      `json:"from_name,omitempty" doc:"What people call it. Of people only with personal."`
	IntoName string      `json:"into_name,omitempty" doc:"What people call it. Of people only with personal."`
	Streams  int         `json:"streams" doc:"Streams of events that would come."`
	People   int         `json:"people" doc:"People who would come."`
	Records  int         `json:"records" doc:"Records that would come."`
	Tasks    int         `json:"tasks" doc:"Open tasks among them."`
	Clashes  []clashTold `json:"clashes" doc:"Fields of which both say something, and not the same."`
	Before   *levelTold  `json:"before,omitempty" doc:"Of accounts: how the one that stays is doing now."`
	Moved    *levelTold  `json:"moved,omitempty" doc:"Of accounts: how the other is doing now."`
	After    *levelTold  `json:"after,omitempty" doc:"Of accounts: how both would be doing as one."`
}

type clashTold struct {
	Field string `json:"field" doc:"Its name."`
	From  any    `json:"from" doc:"What the one that goes says; without personal, stars stand for what is personal."`
	Into  any    `json:"into" doc:"What the one that stays says."`
	Then  any    `json:"then" doc:"What would be shown."`
}

type levelTold struct {
	Known bool     `json:"known" doc:"Whether anything could be measured."`
	Level *float64 `json:"level" doc:"0 to 100, higher is better; null where it is not known."`
	Way   string   `json:"way" enum:"rising,steady,falling,unknown" doc:"Which way it is going."`
	Slope float64  `json:"slope" doc:"Points in 30 days."`
	Why   string   `json:"why" doc:"In a sentence."`
}

func levelOf(v *cairn.Vector) *levelTold {
	if v == nil {
		return nil
	}
	out := &levelTold{Known: v.Known, Way: string(v.Way), Slope: float64(v.Slope) / 1000, Why: v.Why}
	if v.Known {
		level := float64(v.Level) / 1000
		out.Level = &level
	}
	return out
}

// clashes tells fields of accounts or people that say different things, with
// stars for what is personal unless it may be told.
func (a *resources) clashes(ctx context.Context, list []account.Clash, kind string, personal bool) ([]clashTold, error) {
	out := []clashTold{}
	for _, c := range list {
		t := clashTold{Field: c.Field}
		for _, x := range []struct {
			said cairn.Said
			to   *any
		}{{c.From, &t.From}, {c.Into, &t.Into}, {c.Then, &t.Then}} {
			*x.to = x.said.Value
			if personal {
				continue
			}
			src, err := a.Sources.Source(ctx, x.said.Source)
			if err != nil && cairn.KindOf(err) != cairn.NotFound {
				return out, err
			}
			*x.to = masked(src, kind, c.Field, x.said.Value)
		}
		out = append(out, t)
	}
	return out, nil
}

// masked returns the value of a field as it may be told to everybody.
func masked(src ingest.Source, call, field string, value json.RawMessage) any {
	type message struct {
		Type   string                     `json:"type"`
		Traits map[string]json.RawMessage `json:"traits"`
	}
	b, err := json.Marshal(message{call, map[string]json.RawMessage{field: value}})
	if err != nil {
		return nil
	}
	var m message
	if json.Unmarshal([]byte(ingest.Mask(src, string(b))), &m) != nil {
		return nil
	}
	return m.Traits[field]
}

func (a *resources) previewOf(ctx context.Context, p account.Preview, personal bool) (previewTold, error) {
	people, call := p.Into.What != cairn.AnAccount, "group"
	if people {
		call = "identify"
	}
	clashes, err := a.clashes(ctx, p.Clashes, call, personal)
	out := previewTold{From: refOf(p.From), Into: refOf(p.Into), FromName: p.FromName, IntoName: p.IntoName, Streams: p.Streams, People: p.People,
		Records: p.Records, Tasks: p.Tasks, Clashes: clashes, Before: levelOf(p.Before), Moved: levelOf(p.Moved), After: levelOf(p.After)}
	if people && !personal {
		out.FromName, out.IntoName = "", ""
	}
	return out, err
}

// A nameTold is an id under which a source knows an account or a person.
type nameTold struct {
	RefTold
	Source string     `json:"source" doc:"That was first to use it."`
	First  *time.Time `json:"first,omitempty" doc:"When it was first used."`
	Last   *time.Time `json:"last,omitempty" doc:"When the newest event under it alone happened; absent: none did."`
	Events int        `json:"events" doc:"Events under it alone, counted up to 10,000."`
	Tie    *tieTold   `json:"tie,omitempty" doc:"Why it stands for this one; absent: it is its own id."`
}

func namesOf(list []account.Name) []nameTold {
	out := []nameTold{}
	for _, n := range list {
		out = append(out, nameTold{refOf(n.Ref), n.Source, timePointer(n.First), timePointer(n.Last), n.Events, tiePointer(n.Tie)})
	}
	return out
}

func timePointer(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

type kinTold struct {
	ID    string   `json:"id" doc:"Of the account."`
	Name  string   `json:"name" doc:"Of the account."`
	Level *float64 `json:"level" doc:"0 to 100; null where it is not known."`
	Way   string   `json:"way,omitempty" doc:"rising, steady, falling or unknown."`
}

func kinOf(list []account.Kin) []kinTold {
	out := []kinTold{}
	for _, k := range list {
		t := kinTold{ID: k.ID.String(), Name: k.Name, Way: string(k.Way)}
		if k.Known {
			level := float64(k.Level) / 1000
			t.Level = &level
		}
		out = append(out, t)
	}
	return out
}

// A knownTold is how an account is known.
type knownTold struct {
	Account  string     `json:"account" doc:"The id of the account."`
	Names    []nameTold `json:"names" doc:"All ids that are this account, its own first."`
	Given    []nameTold `json:"given" doc:"People and records that were given to it by hand."`
	Streams  int        `json:"streams" doc:"Of events, that it consists of."`
	Parents  []kinTold  `json:"parents" doc:"The nearest first."`
	Children []kinTold  `json:"children" doc:"By name."`
	Circle   string     `json:"circle,omitempty" doc:"A chain of parents that leads back to it, by name; then it has none."`
}

type placeTold struct {
	Account string     `json:"account" doc:"The id of the account."`
	Name    string     `json:"name" doc:"Of the account."`
	Sources []string   `json:"sources" doc:"That say so; none: only seen there."`
	First   *time.Time `json:"first,omitempty" doc:"Since when."`
	Last    *time.Time `json:"last,omitempty" doc:"The latest word."`
	Home    bool       `json:"home" doc:"What names no account belongs here."`
}

// A somebodyTold is a person with all ids and places.
type somebodyTold struct {
	Person string      `json:"person" doc:"The id."`
	Key    string      `json:"key,omitempty" doc:"The id that the product sends. Only with personal."`
	Name   string      `json:"name,omitempty" doc:"Only with personal."`
	Mail   string      `json:"mail,omitempty" doc:"Only with personal."`
	Role   string      `json:"role,omitempty" doc:"user, administrator, champion, sponsor, economic_buyer or beneficiary."`
	Erased bool        `json:"erased" doc:"Nothing personal is left."`
	Names  []nameTold  `json:"names" doc:"All ids that are this person."`
	Places []placeTold `json:"places" doc:"Accounts at which they are."`
	Home   *tieTold    `json:"home,omitempty" doc:"Gives what names no account to one of them."`
	Loose  int         `json:"loose_events" doc:"Events that belong to no account, counted up to 10,000."`
}

type tieAsked struct {
	Tie string `path:"tie" doc:"The id of the tie."`
}

type accountAsked struct {
	Account string `path:"account" doc:"Id, key, domain or name, or source: key."`
}

type personAsked struct {
	Person   string `path:"person" doc:"Id, the id that the product sends, or source: id."`
	Personal bool   `query:"personal" doc:"With key, name and address; needs the scope personal too."`
}

func (a *resources) identity() {
	const group = "Identity"
	add(a, operation{http.MethodGet, "/unclaimed", "list-unclaimed", group, ingest.MayRead, "What waits for somebody to say whose it is", ""}, a.listUnclaimed)
	add(a, operation{http.MethodPost, "/unclaimed/preview", "preview-claim", group, ingest.MayRead, "What a claim would bring to an account", "Changes nothing."}, a.previewClaim)
	add(a, operation{http.MethodPost, "/unclaimed/claim", "claim", group, ingest.MayManage, "Give what waits to an account, or make accounts of it",
		"History counts from its first day: the account is measured again. Undo with `DELETE /api/v1/ties/{tie}`."}, a.claim)
	add(a, operation{http.MethodPost, "/unclaimed/ignore", "ignore", group, ingest.MayManage, "Keep it, and ask nobody whose it is", ""}, a.ignore)
	add(a, operation{http.MethodPost, "/merges/preview", "preview-merge", group, ingest.MayRead, "What a merge would do", "Changes nothing."}, a.previewMerge)
	add(a, operation{http.MethodPost, "/merges", "merge", group, ingest.MayManage, "Make one account or person another name of a second",
		"Nothing is lost: `DELETE /api/v1/ties/{tie}` un-merges them. 409 where they are one already."}, a.merge)
	add(a, operation{http.MethodGet, "/ties/{tie}", "get-tie", group, ingest.MayRead, "One statement about whose an id is", ""}, a.tie)
	add(a, operation{http.MethodDelete, "/ties/{tie}", "undo-tie", group, ingest.MayManage, "Take back a merge, a match, a claim or an ignoring",
		"Everything stands then as it would without it. Undoing what is undone changes nothing."}, a.undo)
	add(a, operation{http.MethodGet, "/accounts/{account}/identity", "account-identity", group, ingest.MayRead, "Under which ids an account is known, and its family", ""}, a.known)
	add(a, operation{http.MethodGet, "/people/{person}/identity", "person-identity", group, ingest.MayRead, "Under which ids a person is known, and at which accounts", ""}, a.somebody)
}

func (a *resources) listUnclaimed(ctx context.Context, by caller, in *unclaimedAsked) (trayTold, error) {
	out := trayTold{Unclaimed: []waitingTold{}, Counts: map[string]int{}}
	if err := by.mayPersonal(in.Personal); err != nil {
		return out, err
	}
	tray, err := a.Identity.Tray(ctx, by.Scope(), account.TrayQuery{What: in.Kind, Aside: in.Ignored, Search: in.Search, Cursor: in.Cursor, Limit: in.Limit})
	if err != nil {
		return out, err
	}
	out.Cursor = tray.Next
	for kind, n := range tray.Counts {
		out.Counts[kind] = n
	}
	for _, w := range tray.Waiting {
		out.Unclaimed = append(out.Unclaimed, waitingOf(w, in.Personal))
	}
	return out, nil
}

// each finds what texts mean.
func each(ctx context.Context, texts []string, find func(context.Context, string) (cairn.ID, error)) ([]cairn.ID, error) {
	ids := make([]cairn.ID, len(texts))
	for i, t := range texts {
		id, err := find(ctx, t)
		if err != nil {
			return nil, at(err, "ids."+strconv.Itoa(i))
		}
		ids[i] = id
	}
	return ids, nil
}

// at names the field that an error is about.
func at(err error, field string) error {
	if e, ok := err.(*cairn.Error); ok {
		return e.At(field)
	}
	return err
}

// under is Identity under an idempotency key, for one request: another one
// under the same key is one of its own.
func (a *resources) under(key string, body any) account.Identity {
	x := a.Identity
	if said, err := json.Marshal(body); key != "" && err == nil {
		x.Once = key + " " + string(said)
	}
	return x
}

func (a *resources) claim(ctx context.Context, by caller, in *claimAsked) (tiesTold, error) {
	if in.Body.New == (in.Body.Account != "") {
		return tiesTold{}, cairn.Errorf(cairn.Invalid, "Say either account, whose they are, or new, to make accounts of them.").At("account")
	}
	ids, err := each(ctx, in.Body.IDs, a.Find.FindWaiting)
	if err != nil {
		return tiesTold{}, err
	}
	var into cairn.AccountID
	if in.Body.Account != "" {
		if into.ID, err = a.Find.FindAccount(ctx, in.Body.Account); err != nil {
			return tiesTold{}, at(err, "account")
		}
	}
	ties, err := a.under(in.Key, in.Body).Claim(ctx, by.Actor, ids, into)
	return tiesOf(ties), err
}

func (a *resources) ignore(ctx context.Context, by caller, in *ignoreAsked) (tiesTold, error) {
	ids, err := each(ctx, in.Body.IDs, a.Find.FindWaiting)
	if err != nil {
		return tiesTold{}, err
	}
	ties, err := a.under(in.Key, in.Body).Ignore(ctx, by.Actor, ids)
	return tiesOf(ties), err
}

func (a *resources) previewClaim(ctx context.Context, by caller, in *claimPreviewAsked) (out claimPreviewed, err error) {
	out.Claims = []claimPreview{}
	if err := by.mayPersonal(in.Personal); err != nil {
		return out, err
	}
	ids, err := each(ctx, in.Body.IDs, a.Find.FindWaiting)
	if err != nil {
		return out, err
	}
	into, err := a.Find.FindAccount(ctx, in.Body.Account)
	if err != nil {
		return out, at(err, "account")
	}
	target, err := a.Identity.Named(ctx, into)
	if err != nil {
		return out, at(err, "account")
	}
	out.Account = refOf(target)
	for _, id := range ids {
		one, err := a.previewOne(ctx, by, id, target, in.Personal)
		if err != nil {
			return out, err
		}
		out.Claims = append(out.Claims, one)
	}
	return out, nil
}

func (a *resources) previewOne(ctx context.Context, by caller, id cairn.ID, into cairn.Ref, personal bool) (claimPreview, error) {
	r, err := a.Identity.Named(ctx, id)
	out := claimPreview{RefTold: refOf(r), Clashes: []clashTold{}}
	switch {
	case err != nil:
		return out, err
	case r.What == cairn.AnAccount:
		p := account.Preview{From: r, Into: into}
		err = a.Identity.Compare(ctx, by.Scope(), &p)
		if err != nil {
			return out, err
		}
		out.Streams, out.People, out.Records = p.Streams, p.People, p.Records
		out.Clashes, err = a.clashes(ctx, p.Clashes, "group", personal)
	case r.What == cairn.AStream:
		out.Records = 1
	default:
		var p account.Somebody
		p, err = a.Identity.Somebody(ctx, by.Scope(), cairn.PersonID{ID: id})
		if cairn.KindOf(err) == cairn.NotFound && r.What == cairn.AVisitor {
			err = nil // nothing but their events is known
		}
		out.Events = p.Loose
	}
	return out, err
}

// pair finds the two of a merge.
func (a *resources) pair(ctx context.Context, m mergeBody) (from, into cairn.ID, err error) {
	find := a.Find.FindAccount
	if m.People {
		find = a.Find.FindPerson
	}
	if from, err = find(ctx, m.From); err != nil {
		return from, into, at(err, "from")
	}
	into, err = find(ctx, m.Into)
	return from, into, at(err, "into")
}

func (a *resources) previewMerge(ctx context.Context, by caller, in *mergePreviewAsked) (previewTold, error) {
	if err := by.mayPersonal(in.Personal); err != nil {
		return previewTold{}, err
	}
	from, into, err := a.pair(ctx, in.Body)
	if err != nil {
		return previewTold{}, err
	}
	p, err := a.Identity.Preview(ctx, by.Scope(), from, into)
	if err != nil {
		return previewTold{}, err
	}
	return a.previewOf(ctx, p, in.Personal)
}

func (a *resources) merge(ctx context.Context, by caller, in *mergeAsked) (tieTold, error) {
	from, into, err := a.pair(ctx, in.Body)
	if err != nil {
		return tieTold{}, err
	}
	t, err := a.under(in.Key, in.Body).Merge(ctx, by.Actor, from, into)
	return tieOf(t), err
}

func (a *resources) tie(ctx context.Context, _ caller, in *tieAsked) (tieTold, error) {
	id, err := cairn.ParseID(in.Tie)
	if err != nil {
		return tieTold{}, cairn.Errorf(cairn.NotFound, "There is no such tie.").At("tie")
	}
	t, err := a.Identity.Tie(ctx, cairn.EventID{ID: id})
	return tieOf(t), err
}

func (a *resources) undo(ctx context.Context, by caller, in *tieAsked) (tieTold, error) {
	told, err := a.tie(ctx, by, in)
	if err != nil || told.Undone {
		return told, err
	}
	id, _ := cairn.ParseID(in.Tie)
	if _, err := a.Identity.Undo(ctx, by.Actor, cairn.EventID{ID: id}); err != nil {
		return told, err
	}
	told.Undone = true
	return told, nil
}

func (a *resources) known(ctx context.Context, by caller, in *accountAsked) (knownTold, error) {
	id, err := a.Find.FindAccount(ctx, in.Account)
	if err != nil {
		return knownTold{}, at(err, "account")
	}
	k, err := a.Identity.Known(ctx, by.Scope(), cairn.AccountID{ID: id})
	return knownTold{Account: k.Account.String(), Names: namesOf(k.Names), Given: namesOf(k.Given), Streams: k.Streams,
		Parents: kinOf(k.Parents), Children: kinOf(k.Children), Circle: k.Circle}, err
}

func (a *resources) somebody(ctx context.Context, by caller, in *personAsked) (somebodyTold, error) {
	if err := by.mayPersonal(in.Personal); err != nil {
		return somebodyTold{}, err
	}
	id, err := a.Find.FindPerson(ctx, in.Person)
	if err != nil {
		return somebodyTold{}, at(err, "person")
	}
	p, err := a.Identity.Somebody(ctx, by.Scope(), cairn.PersonID{ID: id})
	out := somebodyTold{Person: p.Person.ID.String(), Key: p.Person.Key, Name: p.Person.Name, Mail: p.Person.Mail, Role: p.Person.Role,
		Erased: p.Person.Erased, Names: namesOf(p.Names), Places: []placeTold{}, Home: tiePointer(p.Home), Loose: p.Loose}
	if !in.Personal {
		out.Key, out.Name, out.Mail = "", "", ""
	}
	for _, x := range p.Places {
		out.Places = append(out.Places, placeTold{x.Account.String(), x.Name, append([]string{}, slices.Clone(x.Sources)...), timePointer(x.First), timePointer(x.Last), x.Home})
	}
	return out, err
}
