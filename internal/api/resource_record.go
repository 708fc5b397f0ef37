package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
)

// Records are those that sources describe by patches, and the door by which
// they come.
type Records interface {
	account.RecordStore
	Accounts(ctx context.Context, scope cairn.Scope, q account.Query) (account.Page, error)
	Account(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (cairn.Account, error)
}

// A Door takes records.
type Door interface {
	Admit(ctx context.Context, src ingest.Source, records []ingest.Record) ([]ingest.Verdict, error)
	Check(ctx context.Context, src ingest.Source, records []ingest.Record) ([]ingest.Verdict, error)
}

// A recordKind is a kind of record with an address.
type recordKind struct {
	kind                  cairn.EventKind
	path, one, many, text string
}

var recordKinds = []recordKind{
	{cairn.OfContract, "contracts", "contract", "Contracts", "What a customer subscribes to, bought once, or is a member of. Fields and what they mean: docs/revenue.md."},
	{cairn.OfRenewal, "renewals", "renewal", "Renewals", "What people say of a contract that comes up: a probability, an amount, a next step. Fields: docs/renewals.md."},
	{cairn.OfLoss, "losses", "loss", "Losses", "Why a customer left. Fields: docs/losses.md."},
	{cairn.OfOpportunity, "opportunities", "opportunity", "Opportunities", "What a customer may buy beside. Fields: docs/expansion.md."},
}

// A fieldTold is one field of a record: what is shown, and who said it.
type fieldTold struct {
	Value  json.RawMessage `json:"value" doc:"As the source sent it, once it was read: dates as 2026-03-01, amounts as decimal text."`
	Source string          `json:"source" doc:"That said it; of several the first in the stated order of sources."`
	At     time.Time       `json:"at" doc:"When it was so."`
	Seen   time.Time       `json:"seen" doc:"When it was learnt of."`
}

// A recordTold is a record as it stands.
type recordTold struct {
	ID      string               `json:"id" doc:"32 hexadecimal digits."`
	Key     string               `json:"key" doc:"As its source names it."`
	Account RefTold              `json:"account" doc:"Whose it is."`
	First   time.Time            `json:"first" doc:"Of the first that was said of it."`
	Last    time.Time            `json:"last" doc:"Of the last."`
	Fields  map[string]fieldTold `json:"fields" doc:"What is shown of each field. Fields that are personal only with personal."`
}

// A saidTold is one thing that was said of a record.
type saidTold struct {
	Field  string          `json:"field" doc:"Of the record."`
	Value  json.RawMessage `json:"value,omitempty" doc:"Absent: it was cleared."`
	Source string          `json:"source" doc:"That said it."`
	At     time.Time       `json:"at" doc:"When it was so."`
	Seen   time.Time       `json:"seen" doc:"When it was learnt of."`
	Event  string          `json:"event" doc:"Of the log, that said it."`
}

// A recordWhole is a record with all that was ever said of it.
type recordWhole struct {
	recordTold
	History []saidTold `json:"history" doc:"All that was ever said of it but what is personal, the oldest first."`
}

type recordsTold struct {
	Records []recordTold `json:"records" doc:"In the order of the ids of account and record."`
	Cursor  string       `json:"cursor,omitempty" doc:"Pass it to get the next page; absent on the last one."`
}

type recordsAsked struct {
	Account  string `query:"account" doc:"Of this account only: id, key, domain or name."`
	Cursor   string `query:"cursor" doc:"Of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"500" default:"100" doc:"At most so many."`
	Personal bool   `query:"personal" doc:"With fields that are personal; needs the scope personal too."`
}

type recordAsked struct {
	Key      string `path:"key" doc:"Id, or key as its source names it."`
	Personal bool   `query:"personal" doc:"With fields that are personal; needs the scope personal too."`
}

type recordPut struct {
	Once
	Key  string `path:"key" doc:"As your source names it."`
	Body struct {
		Account string         `json:"account,omitempty" doc:"Whose it is, by the key that your source sends; needed when the record is new."`
		At      *time.Time     `json:"at,omitempty" doc:"From when it is so; absent: now."`
		Fields  map[string]any `json:"fields" minProperties:"1" doc:"What is said: a field that is absent stays as it is, null clears it."`
	}
}

func (a *resources) records() {
	for _, k := range recordKinds {
		const list = "Scoped to what belongs to an account."
		add(a, operation{http.MethodGet, "/" + k.path, "list-" + k.path, k.many, ingest.MayRead, k.many + " as they stand", strings.TrimSpace(k.text + " " + list)},
			func(ctx context.Context, by caller, in *recordsAsked) (recordsTold, error) {
				return a.listRecords(ctx, by, k, in)
			})
		add(a, operation{http.MethodGet, "/" + k.path + "/{key}", "get-" + k.one, k.many, ingest.MayRead, "One " + k.one + ", with its history", ""},
			func(ctx context.Context, by caller, in *recordAsked) (recordWhole, error) {
				return a.record(ctx, by, k, in.Key, in.Personal)
			})
		add(a, operation{http.MethodPut, "/" + k.path + "/{key}", "put-" + k.one, k.many, ingest.MayWrite, "Say something of a " + k.one,
			"Goes through the front door as a patch of the key's source, with its precedence, its contract and its mark of what is personal: the same as a message of type " + string(k.kind) + ", or a row of a file. 400 names the field to correct, and nothing is kept."},
			func(ctx context.Context, by caller, in *recordPut) (recordWhole, error) {
				return a.putRecord(ctx, by, k, in)
			})
	}
}

func (a *resources) listRecords(ctx context.Context, by caller, k recordKind, in *recordsAsked) (recordsTold, error) {
	out := recordsTold{Records: []recordTold{}}
	if err := by.mayPersonal(in.Personal); err != nil {
		return out, err
	}
	q := account.RecordsQuery{Kind: k.kind, Limit: in.Limit + 1, Personal: in.Personal}
	if in.Account != "" {
		id, err := a.Find.FindAccount(ctx, in.Account)
		if err != nil {
			return out, err
		}
		q.Account = cairn.AccountID{ID: id}
	}
	var err error
	if q.After, err = readPlace(in.Cursor); err != nil {
		return out, err
	}
	list, err := a.Records.RecordPage(ctx, cairn.Everything, q)
	if err != nil {
		return out, err
	}
	if len(list) > in.Limit {
		list = list[:in.Limit]
		out.Cursor = writePlace(list[in.Limit-1])
	}
	out.Records, err = a.recordsOf(ctx, list)
	return out, err
}

// recordsOf tells of records with the keys of their accounts.
func (a *resources) recordsOf(ctx context.Context, list []cairn.Record) ([]recordTold, error) {
	out := make([]recordTold, len(list))
	keys := map[cairn.AccountID]string{}
	for i, r := range list {
		key, ok := keys[r.Account]
		if !ok {
			acct, err := a.Records.Account(ctx, cairn.Everything, r.Account)
			if err != nil {
				return nil, err
			}
			key = acct.Key
			keys[r.Account] = key
		}
		out[i] = recordTold{ID: r.ID.String(), Key: r.Key, Account: RefTold{What: "account", ID: r.Account.String(), Key: key}, First: r.First, Last: r.Last, Fields: map[string]fieldTold{}}
		for name, said := range r.Fields {
			if len(said.Value) > 0 && string(said.Value) != "null" {
				out[i].Fields[name] = fieldTold{said.Value, said.Source, said.At, said.Seen}
			}
		}
	}
	return out, nil
}

func (a *resources) record(ctx context.Context, by caller, k recordKind, key string, personal bool) (recordWhole, error) {
	if err := by.mayPersonal(personal); err != nil {
		return recordWhole{}, err
	}
	ids, err := a.candidates(ctx, k.kind, key)
	if err != nil {
		return recordWhole{}, err
	}
	list, err := a.Records.RecordPage(ctx, cairn.Everything, account.RecordsQuery{Kind: k.kind, IDs: ids, Limit: len(ids), Personal: personal})
	if err != nil {
		return recordWhole{}, err
	}
	switch {
	case len(list) == 0:
		return recordWhole{}, cairn.Errorf(cairn.NotFound, "There is no %s %q that belongs to an account.", k.one, cutPath(key)).At("key")
	case len(list) > 1:
		return recordWhole{}, cairn.Errorf(cairn.Conflict, "Several sources have a %s %q: name one by its id, %s or %s.", k.one, cutPath(key), list[0].ID, list[1].ID).At("key")
	}
	return a.whole(ctx, k, list[0])
}

// candidates are the ids that a key may have: itself, and what each source
// would call it.
func (a *resources) candidates(ctx context.Context, kind cairn.EventKind, key string) ([]cairn.RecordID, error) {
	var out []cairn.RecordID
	if id, err := cairn.ParseID(key); err == nil {
		out = append(out, cairn.RecordID{ID: id})
	}
	sources, err := a.Sources.Summaries(ctx, cairn.Everything, a.Now())
	if err != nil {
		return nil, err
	}
	spaces := []cairn.Space{""}
	for _, s := range sources {
		if !slices.Contains(spaces, s.Source.Space) {
			spaces = append(spaces, s.Source.Space)
		}
	}
	for _, s := range spaces {
		out = append(out, s.Record(kind, key))
	}
	return out, nil
}

// whole adds to a record what was ever said of it.
func (a *resources) whole(ctx context.Context, k recordKind, r cairn.Record) (recordWhole, error) {
	told, err := a.recordsOf(ctx, []cairn.Record{r})
	if err != nil {
		return recordWhole{}, err
	}
	out := recordWhole{recordTold: told[0], History: []saidTold{}}
	err = a.Records.Facts(ctx, cairn.Scope{Accounts: []cairn.AccountID{r.Account}}, k.kind, func(_ cairn.AccountID, id cairn.RecordID, facts []cairn.Fact) error {
		if id != r.ID {
			return nil
		}
		for _, f := range facts {
			out.History = append(out.History, saidTold{f.Field, f.Value, f.Source, f.At, f.Seen, f.Event.String()})
		}
		return nil
	})
	slices.SortFunc(out.History, func(a, b saidTold) int {
		return cmp.Or(a.At.Compare(b.At), a.Seen.Compare(b.Seen), cmp.Compare(a.Field, b.Field), cmp.Compare(a.Source, b.Source))
	})
	return out, err
}

func (a *resources) putRecord(ctx context.Context, by caller, k recordKind, in *recordPut) (recordWhole, error) {
	src, err := a.Sources.Source(ctx, by.key.Source)
	if err != nil {
		return recordWhole{}, err
	}
	rec := ingest.Record{Kind: k.kind, Keys: cairn.Keys{Account: in.Body.Account, Record: in.Key}, Props: in.Body.Fields}
	if in.Body.At != nil {
		rec.At = *in.Body.At
	}
	if in.Once.Key != "" {
		rec.ID = "api " + k.path + " " + in.Once.Key
	}
	if in.Body.Account == "" {
		rec.Via = ingest.Via{Kind: k.kind, Key: in.Key}
	}
	for _, pass := range []func(context.Context, ingest.Source, []ingest.Record) ([]ingest.Verdict, error){a.Door.Check, a.Door.Admit} {
		verdicts, err := pass(ctx, src, []ingest.Record{rec})
		if err != nil {
			return recordWhole{}, err
		}
		if v := verdicts[0]; v.Reason != "" {
			return recordWhole{}, cairn.Errorf(cairn.Invalid, "%s", v.Reason).At(bodyField(v.Field, in.Body.Fields))
		}
	}
	id := src.Space.Record(k.kind, in.Key)
	list, err := a.Records.RecordPage(ctx, cairn.Everything, account.RecordsQuery{Kind: k.kind, IDs: []cairn.RecordID{id}, Limit: 1})
	if err != nil {
		return recordWhole{}, err
	}
	if len(list) == 0 {
		return recordWhole{}, cairn.Errorf(cairn.Invalid, "Nobody knows yet whose %s this is: name its account. What was said is kept, and waits with what is unclaimed.", k.one).At("body.account")
	}
	return a.whole(ctx, k, list[0])
}

// bodyField says where in the body the field stands that the door names.
func bodyField(field string, fields map[string]any) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(field, "fields."), ".")
	if _, ok := fields[name]; ok {
		return "body.fields." + strings.TrimPrefix(field, "fields.")
	}
	return field
}

func writePlace(r cairn.Record) string {
	return base64.RawURLEncoding.EncodeToString(append(append([]byte{}, r.Account.ID[:]...), r.ID.ID[:]...))
}

func readPlace(cursor string) (p account.RecordPlace, err error) {
	if cursor == "" {
		return p, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) != len(p.Account.ID)+len(p.Record.ID) {
		return p, cairn.Errorf(cairn.Invalid, "This cursor belongs to another list. Start again at its top.").At("cursor")
	}
	copy(p.Account.ID[:], b)
	copy(p.Record.ID[:], b[len(p.Account.ID):])
	return p, nil
}
