package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/signal"
	"cairn/internal/usage"
)

// A testTold compares one field with a value.
type testTold struct {
	Field string `json:"field" doc:"Of an event: a property, such as plan or address.city. Of an account: a field or signal, such as trait.segment or contract.plan."`
	Op    string `json:"op" enum:"is,is_not,in,not_in,above,at_least,below,at_most,contains,exists,missing" doc:"How it is compared. Texts are compared without regard to case."`
	Value any    `json:"value,omitempty" doc:"With what: a text, number or truth; a list for in and not_in; absent for exists and missing."`
}

// A MetricDefinition is a metric as it is written.
type MetricDefinition struct {
	Name     string     `json:"name" pattern:"^[a-z][a-z0-9_]{0,59}$" doc:"Small letters, digits and _. It is measured as the signal metric.NAME."`
	Title    string     `json:"title" minLength:"1" doc:"What people call it."`
	Unit     string     `json:"unit,omitempty" doc:"Of what is counted, such as exports."`
	Meaning  string     `json:"meaning,omitempty" doc:"What it tells, in a sentence."`
	Count    string     `json:"count" enum:"events,people,days,sum,first,last,ratio" doc:"events: how many times. people: how many different people. days: on how many days. sum: of a property. first, last: days since the first or last time. ratio: of two metrics."`
	Events   []string   `json:"events,omitempty" doc:"Names of events; none: all Meaningful Activity."`
	Products []string   `json:"products,omitempty" doc:"None: all."`
	Where    []testTold `json:"where,omitempty" doc:"Over the events' properties; all must hold."`
	Property string     `json:"property,omitempty" doc:"Of sum: the property that is added up."`
	Days     int        `json:"days,omitempty" minimum:"0" maximum:"366" doc:"The window in days, today included; 0 is all time for first and last."`
	Change   bool       `json:"change,omitempty" doc:"In percent against the window before."`
	PerSeat  bool       `json:"per_seat,omitempty" doc:"Divided by the seats bought."`
	Of       string     `json:"of,omitempty" doc:"Of ratio: the metric above the line."`
	By       string     `json:"by,omitempty" doc:"Of ratio: the metric below the line."`
}

// A metricTold is a metric with what there is to know about it.
type metricTold struct {
	MetricDefinition
	Rev      int       `json:"rev" doc:"Of its page in the book."`
	At       time.Time `json:"at" doc:"When it was last changed."`
	Author   string    `json:"author" doc:"Who did."`
	Sentence string    `json:"sentence" doc:"What it counts, in words."`
	UsedBy   []string  `json:"used_by" doc:"Models, rules and other metrics that read it."`
}

// through makes one type of another that is written as the same JSON.
func through[O any](in any) (out O, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(b, &out)
}

func metricOf(m usage.Metric) (metricTold, error) {
	said, err := through[MetricDefinition](m.Metric)
	return metricTold{said, m.Rev, m.At, m.By, m.Sentence, append([]string{}, m.Readers...)}, err
}

type metricsTold struct {
	Metrics []metricTold `json:"metrics" doc:"By title."`
}

type metricAsked struct {
	Name string `path:"name" doc:"Of the metric."`
}

type metricPut struct {
	Name string `path:"name" doc:"Of the metric."`
	Body struct {
		Metric MetricDefinition `json:"metric" doc:"All of it; its name is that in the path."`
		Rev    int              `json:"rev,omitempty" minimum:"0" doc:"The revision it is based on; 0: it is new. Another one meanwhile is a 409."`
		Note   string           `json:"note,omitempty" maxLength:"500" doc:"Why, for the book."`
	}
}

type metricCheck struct {
	Body struct {
		Metric   MetricDefinition `json:"metric" doc:"It need not be saved."`
		Accounts []string         `json:"accounts,omitempty" maxItems:"10" doc:"Ids, keys, domains or names; none: those with the most events."`
	}
}

// A metricChecked is what a metric would be.
type metricChecked struct {
	Sentence string      `json:"sentence" doc:"What it counts, in words."`
	Accounts []triedTold `json:"accounts" doc:"What it would be of each."`
}

type triedTold struct {
	ID      string   `json:"id" doc:"Of the account."`
	Name    string   `json:"name" doc:"Of the account."`
	Value   *float64 `json:"value" doc:"Null: it is missing."`
	Missing string   `json:"missing,omitempty" doc:"Why it is."`
	Partial bool     `json:"partial" doc:"Of the newest events only: there are too many to count at once."`
}

func (a *resources) metrics() {
	const group = "Metrics"
	add(a, operation{http.MethodGet, "/metrics", "list-metrics", group, ingest.MayRead, "The metrics that the workspace defines", ""}, a.listMetrics)
	add(a, operation{http.MethodGet, "/metrics/{name}", "get-metric", group, ingest.MayRead, "One metric", ""}, a.metric)
	add(a, operation{http.MethodPost, "/metrics/check", "check-metric", group, ingest.MayRead, "What a metric would be of some accounts", "Saves nothing. 400 names what is wrong with it."}, a.checkMetric)
	add(a, operation{http.MethodPut, "/metrics/{name}", "put-metric", group, ingest.MayManage, "Make or change a metric", "Its history is counted in the background where tallies do not tell it; nothing fires because of it."}, a.putMetric)
	add(a, operation{http.MethodDelete, "/metrics/{name}", "delete-metric", group, ingest.MayManage, "Delete a metric that nothing reads", "409 says who reads it. Its revisions stay in the book."}, a.deleteMetric)
}

func (a *resources) listMetrics(ctx context.Context, _ caller, _ *struct{}) (metricsTold, error) {
	out := metricsTold{[]metricTold{}}
	list, err := a.Usage.Metrics(ctx)
	if err != nil {
		return out, err
	}
	for _, m := range list {
		t, err := metricOf(m)
		if err != nil {
			return out, err
		}
		out.Metrics = append(out.Metrics, t)
	}
	return out, nil
}

func (a *resources) metric(ctx context.Context, _ caller, in *metricAsked) (metricTold, error) {
	m, err := a.Usage.Metric(ctx, in.Name)
	if err != nil {
		return metricTold{}, err
	}
	return metricOf(m)
}

func (a *resources) checkMetric(ctx context.Context, by caller, in *metricCheck) (metricChecked, error) {
	out := metricChecked{Accounts: []triedTold{}}
	m, err := through[signal.Metric](in.Body.Metric)
	if err != nil {
		return out, err
	}
	var ids []cairn.AccountID
	for _, text := range in.Body.Accounts {
		id, err := a.Find.FindAccount(ctx, text)
		if err != nil {
			return out, at(err, "accounts")
		}
		ids = append(ids, cairn.AccountID{ID: id})
	}
	tried, err := a.Usage.TryMetric(ctx, by.Scope(), m, ids)
	if err != nil {
		return out, err
	}
	out.Sentence = m.Sentence()
	for _, t := range tried {
		told := triedTold{ID: t.Account.ID.String(), Name: t.Account.Name, Missing: t.Signal.Why, Partial: t.Partial}
		if t.Signal.Known {
			told.Value, told.Missing = &t.Signal.Number, ""
		}
		out.Accounts = append(out.Accounts, told)
	}
	return out, nil
}

func (a *resources) putMetric(ctx context.Context, by caller, in *metricPut) (metricTold, error) {
	if in.Body.Metric.Name != in.Name {
		return metricTold{}, cairn.Errorf(cairn.Invalid, "The path says %q and the metric %q: they must be one.", in.Name, in.Body.Metric.Name).At("metric.name")
	}
	m, err := through[signal.Metric](in.Body.Metric)
	if err != nil {
		return metricTold{}, err
	}
	if _, err := a.Usage.SaveMetric(ctx, by.Actor, m, in.Body.Rev, in.Body.Note); err != nil {
		return metricTold{}, err
	}
	return a.metric(ctx, by, &metricAsked{in.Name})
}

func (a *resources) deleteMetric(ctx context.Context, by caller, in *metricAsked) (noBody, error) {
	return noBody{true}, a.Usage.DeleteMetric(ctx, by.Actor, in.Name)
}

// A choiceTold says which events count.
type choiceTold struct {
	Only   []string `json:"only,omitempty" doc:"If there are any, these and no others count, also of events to come."`
	Except []string `json:"except" required:"false" nullable:"true" doc:"These do not count. Null or absent, without only: all count but views, sign-ins and the like. An empty list: all count."`
}

// A setTold is what counts for some accounts.
type setTold struct {
	Name     string                `json:"name" doc:"What people call those accounts."`
	All      []testTold            `json:"all" doc:"Conditions over trait.…, contract.… and account.… fields, all of which must hold."`
	Only     []string              `json:"only,omitempty" doc:"As of the choice for all."`
	Except   []string              `json:"except" required:"false" nullable:"true" doc:"As of the choice for all."`
	Products map[string]choiceTold `json:"products,omitempty" doc:"Instead, in that product."`
}

// A meaningfulDefinition is what counts as Meaningful Activity.
type meaningfulDefinition struct {
	Only     []string              `json:"only,omitempty" doc:"If there are any, these and no others count, also of events to come."`
	Except   []string              `json:"except" required:"false" nullable:"true" doc:"These do not count. Null or absent, without only: all count but views, sign-ins and the like. An empty list: all count."`
	Products map[string]choiceTold `json:"products,omitempty" doc:"Instead of the choice, in that product."`
	Sets     []setTold             `json:"sets,omitempty" doc:"Instead of the choice, for accounts of which conditions hold; the first that fits counts."`
}

// A meaningfulTold is the choice with its revision.
type meaningfulTold struct {
	Meaningful meaningfulDefinition `json:"meaningful" doc:"What counts."`
	Rev        int                  `json:"rev" doc:"Of its page in the book; 0: nobody has chosen yet."`
}

type meaningfulPut struct {
	Body struct {
		Meaningful meaningfulDefinition `json:"meaningful" doc:"All of what counts."`
		Rev        *int                 `json:"rev,omitempty" minimum:"0" doc:"The revision it is based on; another one meanwhile is a 409. Absent: whatever is newest."`
		Note       string               `json:"note,omitempty" maxLength:"500" doc:"Why, for the book."`
	}
}

type meaningfulCheck struct {
	Body struct {
		Meaningful meaningfulDefinition `json:"meaningful" doc:"It is not saved."`
		Accounts   []string             `json:"accounts,omitempty" maxItems:"10" doc:"Ids, keys, domains or names; none: those with the most events."`
	}
}

// An effectsTold is what another choice would change.
type effectsTold struct {
	Effects []effectTold `json:"effects" doc:"One for each account."`
}

type effectTold struct {
	ID     string  `json:"id" doc:"Of the account."`
	Name   string  `json:"name" doc:"Of the account."`
	Before useTold `json:"before" doc:"As it is measured now."`
	After  useTold `json:"after" doc:"As it would be."`
}

type useTold struct {
	Active *float64 `json:"active_people_28d" doc:"People who did something that counts in 28 days; null: no use is seen."`
	Events *float64 `json:"events_28d" doc:"How often; null: no use is seen."`
	Level  *float64 `json:"level" doc:"0 to 100; null: not known."`
}

func useOf(u usage.Use) (out useTold) {
	if u.Known {
		out.Active, out.Events = &u.Active, &u.Events
	}
	if u.Rated {
		level := float64(u.Level) / 1000
		out.Level = &level
	}
	return out
}

type eventNamesTold struct {
	Names []eventNameTold `json:"event_names" doc:"The most frequent first."`
	AsOf  *time.Time      `json:"people_and_accounts_as_of,omitempty" doc:"When people and accounts were counted; absent: they are being counted for the first time."`
}

type eventNameTold struct {
	Name     string    `json:"name" doc:"Of the event."`
	Product  string    `json:"product" doc:"Empty: the only or main one."`
	Sources  []string  `json:"sources" doc:"That send it."`
	Recent   int64     `json:"events_28d" doc:"In the last 28 days."`
	Before   int64     `json:"events_28d_before" doc:"In the 28 days before those."`
	Ever     int64     `json:"events_ever" doc:"Since the first one."`
	Weeks    []int64   `json:"weeks" doc:"The last 12, the one that ends today last."`
	Last     time.Time `json:"last" doc:"When the newest happened."`
	People   *int      `json:"people_28d" doc:"Null: not counted yet."`
	Accounts *int      `json:"accounts_28d" doc:"Null: not counted yet."`
	Counts   bool      `json:"counts" doc:"Whether it is Meaningful Activity, for accounts that no set names."`
}

func (a *resources) meaningful() {
	const group = "Meaningful Activity"
	add(a, operation{http.MethodGet, "/meaningful", "get-meaningful", group, ingest.MayRead, "What counts as Meaningful Activity", ""}, a.choice)
	add(a, operation{http.MethodPut, "/meaningful", "put-meaningful", group, ingest.MayManage, "Choose what counts",
		"Every account is measured again, also its past; nothing fires because of it. The choice before stays in the book."}, a.choose)
	add(a, operation{http.MethodPost, "/meaningful/check", "check-meaningful", group, ingest.MayRead, "What another choice would change", "Saves nothing."}, a.checkChoice)
	add(a, operation{http.MethodGet, "/event-names", "list-event-names", group, ingest.MayRead, "Every event name ever seen", "People and accounts are counted in the background."}, a.eventNames)
}

func (a *resources) choice(ctx context.Context, _ caller, _ *struct{}) (meaningfulTold, error) {
	m, rev, err := a.Usage.Choice(ctx)
	if err != nil {
		return meaningfulTold{}, err
	}
	said, err := through[meaningfulDefinition](m)
	return meaningfulTold{said, rev}, err
}

func (a *resources) choose(ctx context.Context, by caller, in *meaningfulPut) (meaningfulTold, error) {
	m, err := through[signal.Meaningful](in.Body.Meaningful)
	if err != nil {
		return meaningfulTold{}, err
	}
	_, base, err := a.Usage.Choice(ctx)
	if err != nil {
		return meaningfulTold{}, err
	}
	if in.Body.Rev != nil && *in.Body.Rev != base {
		return meaningfulTold{}, cairn.Errorf(cairn.Conflict, "Somebody chose meanwhile: the choice has revision %d.", base).At("rev")
	}
	if _, err := a.Usage.Choose(ctx, by.Actor, m, base, in.Body.Note); err != nil {
		return meaningfulTold{}, err
	}
	return a.choice(ctx, by, nil)
}

func (a *resources) checkChoice(ctx context.Context, by caller, in *meaningfulCheck) (effectsTold, error) {
	out := effectsTold{[]effectTold{}}
	m, err := through[signal.Meaningful](in.Body.Meaningful)
	if err != nil {
		return out, err
	}
	var ids []cairn.AccountID
	for _, text := range in.Body.Accounts {
		id, err := a.Find.FindAccount(ctx, text)
		if err != nil {
			return out, at(err, "accounts")
		}
		ids = append(ids, cairn.AccountID{ID: id})
	}
	effects, err := a.Usage.TryChoice(ctx, by.Scope(), m, ids)
	for _, e := range effects {
		out.Effects = append(out.Effects, effectTold{e.Account.ID.String(), e.Account.Name, useOf(e.Before), useOf(e.After)})
	}
	return out, err
}

func (a *resources) eventNames(ctx context.Context, _ caller, _ *struct{}) (eventNamesTold, error) {
	c, err := a.Usage.Events(ctx, false)
	out := eventNamesTold{Names: []eventNameTold{}, AsOf: timePointer(c.At)}
	for _, e := range c.Events {
		t := eventNameTold{Name: e.Name, Product: e.Product, Sources: append([]string{}, e.Sources...), Recent: e.Recent, Before: e.Before, Ever: e.Ever,
			Weeks: append([]int64{}, e.Weeks...), Last: e.Last, Counts: e.Counts}
		if e.Reached {
			t.People, t.Accounts = &e.People, &e.Joined
		}
		out.Names = append(out.Names, t)
	}
	return out, err
}
