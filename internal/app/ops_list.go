package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
	"cairn/internal/vector"
)

// operations are all operations that a running server answers.
func operations() []operation {
	return []operation{Unclaimed, Claim, Ignore, UndoTie, PreviewMerge, Merge, KnownAs, Somebody, SetParent,
		Ping, Explain, Measured, Accounts, Standings, Rebuild, AddUser, ErasePerson, Decisions, Admit, Check, ImportFrom, ImportReached, Clocks, Demo,
		Sources, SourceAlarms, SourceShow, SourceSet, SourceRestore, SourceRevisions, SourceSuggest, SourceKeyAdd, SourceKeys, SourceKeyRotate, SourceKeyChange, SourceKeyWithdraw,
		Rejects, Reject, MendReject, PatchRejects, ReplayRejects, MoveRejects,
		Events, Meaningful, Choose, Metrics, Metric, TryMetric, SaveMetric, DeleteMetric, Drivers,
		Keeping, ChangeKeeping, KeepHistory,
		Revenue, RevenueTerms, RevenueDefine, RevenueCompare, RevenueMovements, RevenueClose, RevenueReopen, RevenueCorrections, Renewals, RenewalGrades, RenewalSay, PaymentsFind, VectorDiff, SignalsList, SignalShow, ModelsList, ModelShow, ModelCheck, ModelPublish, ModelDelete, OpportunityList, OpportunitiesSuggested, OpportunitySet, OpportunityRules, OpportunityRulesSet, Cohorts, Stays,
		Churn, LossList, LossSay, LossAudit, LossUndo, LossReasons, LossDefine}
}

// None is the input or the output of an operation that has none.
type None struct{}

// Ping tells the version of who answers.
var Ping = Op[None, string]{"ping", func(_ context.Context, h House, _ None, _ func(Progress)) (string, error) {
	return h.Version, nil
}}

// A VectorQuery asks how an account was doing.
type VectorQuery struct {
	Account string    `json:"account"` // id, key, domain or name
	At      time.Time `json:"at"`      // zero: now
	Project time.Time `json:"project"` // to which moment the level is projected; zero: the renewal, or 90 days on
}

// An Explained is an account's vector with the signals behind it.
type Explained struct {
	Account    cairn.Account     `json:"account"`
	Vector     cairn.Vector      `json:"vector"`
	Signals    cairn.Signals     `json:"signals"`
	Projection vector.Projection `json:"projection"`
	Scored     *account.Scored   `json:"scored"` // as it was said at the end of that day; nil: nothing was
}

// Explain measures and rates one account as of a moment.
var Explain = Op[VectorQuery, Explained]{"vector", func(ctx context.Context, h House, q VectorQuery, _ func(Progress)) (Explained, error) {
	var out Explained
	id, err := h.Accounts.Find(ctx, cairn.Everything, q.Account)
	if err != nil {
		return out, err
	}
	if out.Account, err = h.Accounts.Account(ctx, cairn.Everything, id); err != nil {
		return out, err
	}
	if out.Vector, out.Signals, err = h.Explain.Explain(ctx, cairn.Everything, id, q.At); err != nil {
		return out, err
	}
	zone := time.UTC
	if h.Zone != nil {
		zone = h.Zone()
	}
	if q.Project.IsZero() {
		q.Project = vector.Ahead(out.Vector.At, out.Signals, zone)
	}
	if q.Project.Before(out.Vector.At) {
		return out, cairn.Errorf(cairn.Invalid, "A level is projected to a moment after the one that is explained.").At("project")
	}
	out.Projection = vector.Project(out.Vector.Trail, q.Project)
	day := cairn.DayOf(out.Vector.At.Add(-time.Microsecond), zone)
	scored, err := h.Accounts.Scored(ctx, cairn.Everything, id, day, day)
	if len(scored) > 0 {
		out.Scored = &scored[len(scored)-1]
	}
	return out, err
}}

// A Measurement is what the last turn of an account measured.
type Measurement struct {
	Vector  cairn.Vector  `json:"vector"`
	Signals cairn.Signals `json:"signals"`
}

// Measured returns what the last turn of an account (id, key, domain or name)
// measured; nothing is measured anew.
var Measured = Op[string, Measurement]{"measured", func(ctx context.Context, h House, name string, _ func(Progress)) (Measurement, error) {
	id, err := h.Accounts.Find(ctx, cairn.Everything, name)
	if err != nil {
		return Measurement{}, err
	}
	a, err := h.Accounts.Account(ctx, cairn.Everything, id)
	return Measurement{a.Vector, a.Signals}, err
}}

// An AccountsQuery asks for a page of accounts as of a moment.
type AccountsQuery struct {
	account.Query
	At time.Time `json:"at"` // zero: as they stand
}

// Accounts lists accounts, page by page.
var Accounts = Op[AccountsQuery, account.Page]{"accounts", func(ctx context.Context, h House, q AccountsQuery, _ func(Progress)) (account.Page, error) {
	if !q.At.IsZero() {
		return h.Past.At(q.At).Accounts(ctx, cairn.Everything, q.Query)
	}
	return h.Accounts.Accounts(ctx, cairn.Everything, q.Query)
}}

// Standings tells how stages and queues stand.
var Standings = Op[None, Standing]{"stages", func(ctx context.Context, h House, _ None, _ func(Progress)) (Standing, error) {
	return h.Stages.Standing(ctx)
}}

// Rebuild makes a stage anew from the log.
var Rebuild = Op[string, None]{"rebuild", func(ctx context.Context, h House, stage string, say func(Progress)) (None, error) {
	return None{}, h.Stages.Rebuild(ctx, stage, func(done, of int64) {
		say(Progress{What: "Rebuilding " + stage, Done: done, Of: of, Unit: "events"})
	})
}}

// A NewUser is somebody who shall be able to sign in.
type NewUser struct {
	Mail     string `json:"mail"`
	Name     string `json:"name"`
	Password string `json:"password"`
	Admin    bool   `json:"admin"`
}

// A UserAdded is who can sign in now.
type UserAdded struct {
	ID   string `json:"id"`
	Mail string `json:"mail"`
	Name string `json:"name"`
}

// AddUser adds somebody who can sign in.
var AddUser = Op[NewUser, UserAdded]{"user-add", func(ctx context.Context, h House, n NewUser, _ func(Progress)) (UserAdded, error) {
	u, err := h.Users.AddUser(ctx, cairn.House, n.Mail, n.Name, n.Password, n.Admin)
	return UserAdded{ID: u.ID, Mail: u.Mail, Name: u.Name}, err
}}

// Decisions returns what each rule last found about an account, fired or not.
var Decisions = Op[string, []cairn.Decision]{"decisions", func(ctx context.Context, h House, text string, _ func(Progress)) ([]cairn.Decision, error) {
	id, err := h.Accounts.Find(ctx, cairn.Everything, text)
	if err != nil {
		return nil, err
	}
	return h.Decisions.Decisions(ctx, cairn.Everything, id)
}}

// An EraseAsked names who is to be erased.
type EraseAsked struct {
	Key     string `json:"key"`     // what the product sends as userId, an id, or "source: key"
	Preview bool   `json:"preview"` // say what it would reach and change nothing
}

// ErasePerson erases a person for ever, under all ids.
var ErasePerson = Op[EraseAsked, account.Erasure]{"person-erase", func(ctx context.Context, h House, q EraseAsked, _ func(Progress)) (account.Erasure, error) {
	id, key, err := h.erasable(ctx, q.Key)
	if err != nil {
		return account.Erasure{}, err
	}
	if q.Preview {
		return h.People.Erasing(ctx, id, key)
	}
	return h.People.Erase(ctx, cairn.House, id, key)
}}

// erasable is whom a text means: somebody who is known, else whoever is called
// so by what was refused.
func (h House) erasable(ctx context.Context, text string) (id cairn.PersonID, key string, err error) {
	if id.ID, err = h.FindPerson(ctx, text); err == nil {
		if _, err := cairn.ParseID(text); err == nil {
			return id, "", nil
		}
		return id, text, nil
	}
	if cairn.KindOf(err) != cairn.NotFound {
		return id, "", err
	}
	pepper, err := h.People.Pepper(ctx)
	return pepper.Person("", text), text, err
}

// Sources lists the senders with what arrived from each.
var Sources = Op[None, []ingest.Summary]{"sources", func(ctx context.Context, h House, _ None, _ func(Progress)) ([]ingest.Summary, error) {
	return h.Sources.Summaries(ctx, cairn.Everything, h.Now())
}}

// A Delivery is records of one source, at most a few thousand at a time.
type Delivery struct {
	Source  ingest.Source   `json:"source"`
	File    bool            `json:"file"` // they come from a file: see ingest.Source
	Records []ingest.Record `json:"records"`
}

// Admit takes records in at the front door and answers each with a verdict.
var Admit = Op[Delivery, []ingest.Verdict]{"admit", func(ctx context.Context, h House, d Delivery, _ func(Progress)) ([]ingest.Verdict, error) {
	d.Source.File = d.File
	return h.Door.Admit(ctx, d.Source, d.Records)
}}
