package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/auth"
	"cairn/internal/book"
	"cairn/internal/event"
	"cairn/internal/ingest"
	"cairn/internal/usage"
	"cairn/internal/work"
)

// noon is when all tests of pages take place.
var noon = time.Date(2026, 11, 23, 11, 20, 0, 0, time.UTC)

// A company is everything that pages ask for, in memory. The zero one is a
// workspace to which nothing has happened yet.
type company struct {
	mender   *ingest.Mender // what was refused; nil: there are no such pages
	mu       sync.Mutex
	accounts []cairn.Account
	items    []work.Item
	closed   int
	moved    []work.Moved
	scored   map[cairn.AccountID][]account.Scored
	alarms   []ingest.Alarm
	saved    ingest.Source
	sample   []cairn.Event
	breaches []ingest.Breach
	sums     []ingest.Summary
	rejects  []ingest.Reject
	users    []auth.User
	admitted []ingest.Record
	version  int64
	broken   error // what every question is answered with, when set
	events   event.Page
	people   []cairn.Person
	records  map[cairn.EventKind][]cairn.Record
	progress []Progress
}

func (c *company) Accounts(_ context.Context, _ cairn.Scope, q account.Query) (account.Page, error) {
	var out []cairn.Account
	for _, a := range c.accounts {
		if q.Owner != "" && a.Owner != q.Owner && !(q.Owner == "-" && a.Owner == "") ||
			!q.RenewsBy.IsZero() && (a.Renews.IsZero() || a.Renews.After(q.RenewsBy)) ||
			q.Search != "" && !likeWords(q.Search, a.Name, a.Domain, a.Key) && !(a.Key == "halden" && c.someone(q.Search)) ||
			q.Way != "" && a.Vector.Way != q.Way {
			continue
		}
		out = append(out, a)
	}
	p := account.Page{Total: len(out), Accounts: out}
	if q.Limit > 0 {
		p.Accounts = out[:min(q.Limit, len(out))]
	}
	return p, c.broken
}

func (c *company) someone(q string) bool {
	for _, p := range c.people {
		if likeWords(q, p.Name, p.Mail) {
			return true
		}
	}
	return false
}

func (c *company) Totals(context.Context, cairn.Scope, account.Query) (account.Totals, error) {
	t := account.Totals{Accounts: len(c.accounts), MRR: map[string]int64{}}
	for _, a := range c.accounts {
		switch a.Vector.Way {
		case cairn.Rising:
			t.Rising++
		case cairn.Falling:
			t.Falling++
		case cairn.Steady:
			t.Steady++
		default:
			t.Unknown++
		}
		t.MRR[a.MRR.Currency] += a.MRR.Minor
	}
	return t, c.broken
}

func (c *company) Account(_ context.Context, _ cairn.Scope, id cairn.AccountID) (cairn.Account, error) {
	for _, a := range c.accounts {
		if a.ID == id {
			return a, c.broken
		}
	}
	return cairn.Account{}, cairn.Errorf(cairn.NotFound, "There is no such account.")
}

func (c *company) Measures(_ context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := map[cairn.AccountID]cairn.Account{}
	for _, a := range c.accounts {
		if scope.Sees(a.ID) && slices.Contains(ids, a.ID) {
			out[a.ID] = a
		}
	}
	return out, c.broken
}

func (c *company) EachCustomer(_ context.Context, scope cairn.Scope, f func(cairn.Account) error) error {
	for _, a := range c.accounts {
		if scope.Sees(a.ID) {
			if err := f(a); err != nil {
				return err
			}
		}
	}
	return c.broken
}

func (c *company) Find(_ context.Context, _ cairn.Scope, text string) (cairn.AccountID, error) {
	for _, a := range c.accounts {
		if strings.EqualFold(text, a.Name) || text == a.Key {
			return a.ID, nil
		}
	}
	return cairn.AccountID{}, cairn.Errorf(cairn.NotFound, "No account is called “%s”.", text)
}

func (c *company) People(context.Context, cairn.Scope, cairn.AccountID) ([]cairn.Person, error) {
	return c.people, c.broken
}

func (c *company) Records(_ context.Context, _ cairn.Scope, _ cairn.AccountID, k cairn.EventKind, _ time.Time) ([]cairn.Record, error) {
	return c.records[k], c.broken
}

func (c *company) ScoredOn(_ context.Context, scope cairn.Scope, day cairn.Day, f func(cairn.AccountID, account.Scored)) error {
	for id, all := range c.scored {
		for _, d := range slices.Backward(all) {
			if d.Day <= day && scope.Sees(id) {
				f(id, d)
				break
			}
		}
	}
	return c.broken
}

func (c *company) Scored(_ context.Context, _ cairn.Scope, id cairn.AccountID, _, _ cairn.Day) ([]account.Scored, error) {
	return c.scored[id], c.broken
}

func (c *company) Explain(_ context.Context, _ cairn.Scope, id cairn.AccountID, t time.Time) (cairn.Vector, cairn.Signals, error) {
	a, err := c.Account(context.Background(), cairn.Everything, id)
	if err == nil && !t.IsZero() && t.Before(noon) {
		a.Vector.Reasons = append([]cairn.Reason(nil), a.Vector.Reasons...)
		a.Vector.Level += 9_000
		if len(a.Vector.Reasons) > 0 {
			a.Vector.Reasons[0].Points += 9_000
		}
	}
	return a.Vector, a.Signals, err
}

func (c *company) Levels(_ context.Context, _ cairn.Scope, id cairn.AccountID, at []time.Time) ([]cairn.Mark, error) {
	a, err := c.Account(context.Background(), cairn.Everything, id)
	out := make([]cairn.Mark, len(at))
	for i, t := range at {
		out[i] = cairn.Mark{At: t, Level: a.Vector.Level, Known: a.Vector.Known}
	}
	return out, err
}

func (c *company) Timeline(context.Context, cairn.Scope, event.Query) (event.Page, error) {
	return c.events, c.broken
}

func (c *company) Tasks(_ context.Context, _ cairn.Scope, q work.Query, _ time.Time) ([]work.Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []work.Item
	for _, i := range c.items {
		if i.Task.State == cairn.TaskOpen && (q.Owner == "" || q.Owner == i.Task.Owner || q.Owner == "-" && i.Task.Owner == "") &&
			(q.Account.IsZero() || q.Account == i.Account.ID) {
			out = append(out, i)
		}
	}
	return out, c.broken
}

func (c *company) Task(_ context.Context, _ cairn.Scope, id cairn.RecordID) (work.Item, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, i := range c.items {
		if i.Task.ID == id {
			return i, c.broken
		}
	}
	return work.Item{}, cairn.Errorf(cairn.NotFound, "There is no such task.")
}

func (c *company) Moved(context.Context, cairn.Scope, string, cairn.Day, int) ([]work.Moved, error) {
	return c.moved, c.broken
}

func (c *company) ClosedSince(context.Context, cairn.Scope, string, time.Time) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed, c.broken
}

func (c *company) Version(context.Context, cairn.AccountID) (int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version, c.broken
}

func (c *company) Source(_ context.Context, name string) (ingest.Source, error) {
	for _, s := range c.sums {
		if s.Source.Name == name {
			return s.Source, nil
		}
	}
	return ingest.Source{}, cairn.Errorf(cairn.NotFound, "There is no source called “%s”.", name)
}

func (c *company) Grant(context.Context, string, time.Time) (ingest.Grant, error) {
	return ingest.Grant{}, cairn.Errorf(cairn.Unauthentic, "This key is not known.")
}

func (c *company) SaveSource(_ context.Context, _ cairn.Actor, s ingest.Source, _ string, _ time.Time) error {
	c.saved = s
	for i := range c.sums {
		if c.sums[i].Source.Name == s.Name {
			return s.Check()
		}
	}
	c.sums = append(c.sums, summary(s.Name, 0, 0, 0, 0))
	return nil
}

func (c *company) AddKey(_ context.Context, by cairn.Actor, k ingest.Key, now time.Time) (ingest.Key, string, error) {
	k, err := k.Settle(now)
	if err != nil {
		return k, "", err
	}
	for i := range c.sums {
		if c.sums[i].Source.Name == k.Source {
			k.ID, k.Hint, k.Made, k.By = int64(len(c.sums[i].Keys)+1), "wk_9f3c…", now, by
			c.sums[i].Keys = append(c.sums[i].Keys, k)
		}
	}
	return k, "wk_9f3c51d0a7b24e6c8d1f", nil
}

// key is one of the keys there are.
func (c *company) key(source string, id int64) *ingest.Key {
	for i := range c.sums {
		for j := range c.sums[i].Keys {
			if k := &c.sums[i].Keys[j]; k.Source == source && k.ID == id {
				return k
			}
		}
	}
	return nil
}

func (c *company) RotateKey(ctx context.Context, by cairn.Actor, source string, id int64, overlap time.Duration, now time.Time) (ingest.Key, string, error) {
	was := c.key(source, id)
	if was == nil {
		return ingest.Key{}, "", cairn.Errorf(cairn.NotFound, "There is no such key.")
	}
	was.Expires = now.Add(overlap)
	return c.AddKey(ctx, by, ingest.Key{Source: source, Name: was.Name, Scopes: was.Scopes}, now)
}

func (c *company) ChangeKey(_ context.Context, _ cairn.Actor, k ingest.Key, now time.Time) (ingest.Key, error) {
	was := c.key(k.Source, k.ID)
	if was == nil {
		return k, cairn.Errorf(cairn.NotFound, "There is no such key.")
	}
	was.Name, was.Kinds, was.Origins, was.Paths, was.Expires = k.Name, k.Kinds, k.Origins, k.Paths, k.Expires
	return *was, nil
}

func (c *company) WithdrawKey(_ context.Context, by cairn.Actor, source string, id int64, back bool, now time.Time) (ingest.Key, error) {
	was := c.key(source, id)
	if was == nil {
		return ingest.Key{}, cairn.Errorf(cairn.NotFound, "There is no such key.")
	}
	was.Withdrawn, was.WithdrawnBy = now, &by
	if back {
		was.Withdrawn, was.WithdrawnBy = time.Time{}, nil
	}
	return *was, nil
}

func (c *company) Alarms(_ context.Context, _ cairn.Scope, source string, _ time.Time) ([]ingest.Alarm, error) {
	var out []ingest.Alarm
	for _, a := range c.alarms {
		if a.Source == source {
			out = append(out, a)
		}
	}
	return out, c.broken
}

func (c *company) Revisions(_ context.Context, page string) ([]book.Revision, error) {
	if page != "source/billing" {
		return nil, c.broken
	}
	by := cairn.Actor{Kind: cairn.ByPerson, ID: "1", Name: "Ada Lindqvist"}
	return []book.Revision{
		{Page: page, Rev: 2, At: noon.AddDate(0, 0, -3), By: by, Note: "Invoices name their currency", Body: []byte(`{"name":"billing","cadence":{"every_hours":6},"contract":{"rules":[{"kind":"invoice","fields":[{"name":"currency","required":true}]}]}}`)},
		{Page: page, Rev: 1, At: noon.AddDate(0, 0, -30), By: by, Body: []byte(`{"name":"billing","cadence":{"every_hours":24}}`)},
	}, c.broken
}

func (c *company) Sample(context.Context, cairn.Scope, string, time.Time) ([]cairn.Event, error) {
	return c.sample, c.broken
}

func (c *company) Arrivals(context.Context, cairn.Scope, string, time.Time) ([]ingest.Arrival, error) {
	return c.sums[0].Hours, c.broken
}

func (c *company) Breaches(context.Context, cairn.Scope, string, time.Time) ([]ingest.Breach, error) {
	return c.breaches, c.broken
}

func (c *company) SpendKey(context.Context, int64, cairn.Day, int64) (int64, error) { return 0, nil }

func (c *company) Summaries(context.Context, cairn.Scope, time.Time) ([]ingest.Summary, error) {
	return c.sums, c.broken
}

func (c *company) Rejects(_ context.Context, _ cairn.Scope, source string, _ int) ([]ingest.Reject, error) {
	var out []ingest.Reject
	for _, j := range c.rejects {
		if j.Source == source {
			out = append(out, j)
		}
	}
	return out, c.broken
}

// Admit keeps what is sent and does to tasks what it says.
func (c *company) Admit(_ context.Context, _ ingest.Source, recs []ingest.Record) ([]ingest.Verdict, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := make([]ingest.Verdict, len(recs))
	for n, r := range recs {
		c.admitted = append(c.admitted, r)
		c.version++
		out[n] = ingest.Verdict{Index: n, Status: ingest.Accepted}
		for i := range c.items {
			t := &c.items[i]
			if t.Task.Key != r.Keys.Record {
				continue
			}
			t.Version++
			state, ok := r.Props["state"].(string)
			if !ok {
				continue
			}
			was := t.Task.State
			t.Task.State = cairn.TaskState(state)
			if t.Task.State == cairn.TaskDone {
				c.closed++
			} else if was == cairn.TaskDone {
				c.closed--
			}
		}
	}
	return out, c.broken
}

func (c *company) SignIn(_ context.Context, mail, password string) (auth.Session, error) {
	if mail != "ada@cairn.example" || password != "correct" {
		return auth.Session{}, cairn.Errorf(cairn.Unauthentic, "Wrong.")
	}
	return c.Session(context.Background(), "token-of-ada")
}

func (c *company) Session(_ context.Context, token string) (auth.Session, error) {
	if token != "token-of-ada" {
		return auth.Session{}, cairn.Errorf(cairn.Unauthentic, "This session has ended.")
	}
	return auth.Session{Token: token, CSRF: "csrf-of-ada", User: ada, Expires: noon.AddDate(0, 0, 30)}, nil
}

func (c *company) SignOut(context.Context, string) error { return nil }

func (c *company) Users(context.Context) ([]auth.User, error) { return c.users, c.broken }

var ada = auth.User{ID: "1", Mail: "ada@cairn.example", Name: "Ada Lindqvist", Admin: true}

// site serves the company's pages.
func (c *company) site() http.Handler { return c.siteWith(counting(c, c.accounts)) }

func (c *company) siteWith(u *usage.Service) http.Handler {
	return New(Deps{
		Usage: u, Accounts: c, Explain: c, History: c, Work: c, Sources: c, Rejects: c.mender, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon }, Progress: func() []Progress { return c.progress },
	})
}

// bare is a workspace with one user and nothing else.
func bareCompany() *company {
	return &company{users: []auth.User{ada}, sums: []ingest.Summary{summary("segment", 0, 0, 0, 0)}}
}

// fullCompany is a workspace in the middle of a working day.
func fullCompany() *company {
	c := &company{users: []auth.User{ada}, version: 7, closed: 4}
	type spec struct {
		name        string
		level       int
		slope       float64
		mrr         int64
		renews      int
		title, why  string
		due, urgent int
	}
	for i, s := range []spec{
		{"Halden Robotics", 31, -14, 10400, 21, "Call the economic buyer", "Level fell from 47 to 31 in 30 days: two of three champions stopped logging in", -2, 1},
		{"Brightwater Logistics", 38, -9, 8650, 28, "Agree a plan before the renewal", "Renews in 28 days and the way is falling", 0, 2},
		{"Ostrava Media", 44, -4, 4900, 74, "Ask why reports are no longer built", "No meaningful activity for 16 days", 0, 2},
		{"Kestrel & Daughters", 52, 0.4, 3120, 12, "Send the renewal offer", "Renews in 12 days", 1, 3},
		{"Fjordline Insurance and Reinsurance Group", 63, -3, 2890, 160, "Bring the new administrator on board", "The administrator who set everything up left on 2 November", 2, 3},
		{"Pemberton Foods", 71, 6, 1204, 26, "Show the planning module", "Level rose from 60 to 71: licence use is at 94 %", 6, 3},
		{"Nightingale Clinics", 0, 0, 0, 0, "Welcome the team", "Signed 3 days ago; nothing has been measured yet", 9, 3},
		{"Tallinn Freight", 84, 2, 6600, 9, "", "", 0, 0},
		{"Verdant Labs", 78, 9, 5400, 18, "", "", 0, 0},
	} {
		a := anAccount(s.name, s.level, s.slope, s.mrr, s.renews)
		c.accounts = append(c.accounts, a)
		if s.title == "" {
			continue
		}
		key := fmt.Sprintf("task-%d", i)
		c.items = append(c.items, work.Item{
			Task: cairn.Task{
				ID: cairn.Space("").Record(cairn.OfTask, key), Key: key, Account: a.ID, Title: s.title, Why: s.why, Owner: ada.Mail,
				Priority: s.urgent, Due: noon.AddDate(0, 0, s.due), State: cairn.TaskOpen, Play: "rule/level-low", Planned: noon.Add(-26 * time.Hour),
				Reasons: a.Vector.Reasons,
			},
			Account: a, AtRisk: atRisk(a), Order: "Urgent, 2 days overdue, 10400.00 EUR a month at risk (level 31, falling)", Version: 1,
		})
	}
	c.items[4].Task.Owner = ""
	c.moved = []work.Moved{
		{Account: c.accounts[0], From: 40_000, To: 31_000}, {Account: c.accounts[5], From: 66_000, To: 71_000},
		{Account: c.accounts[2], From: 47_400, To: 44_000}, {Account: c.accounts[8], From: 75_000, To: 78_000},
	}
	c.sums = []ingest.Summary{
		summary("segment", 1_284_031, 3_120, 412, 27), summary("crm", 18_220, 0, 96, 0), summary("billing", 9_410, 12, 0, 3),
		summary("support", 4_127, 0, 0, 0), summary("survey", 622, 0, 1, 0), summary("import", 0, 0, 0, 0), summary("cairn", 311, 0, 0, 0),
	}
	least := 0.0
	c.sums[2].Source.Cadence = &ingest.Cadence{Hours: 6, Days: ingest.WorkingDays()}
	c.sums[2].Source.Distrust = 50
	c.sums[2].Source.Contract = &ingest.Contract{Breach: ingest.Note, Unknown: ingest.Note, Rules: []ingest.Rule{
		{Event: "Invoice Sent", Breach: ingest.Refuse, Fields: []ingest.Field{{Name: "amount", Required: true, Type: "number", Least: &least}, {Name: "currency", Type: "text", Values: []string{"EUR", "CHF"}}}},
		{Kind: cairn.OfInvoice, Fields: []ingest.Field{{Name: "status", Required: true}}},
	}}
	c.alarms = []ingest.Alarm{
		{ID: 3, Source: "billing", Kind: ingest.Silent, Heard: noon.AddDate(0, 0, -2), Began: noon.Add(-42 * time.Hour), Stale: true, Why: "Silent since 13 Mar, 12:00. It is expected at least every 6 hours, Monday to Friday."},
		{ID: 1, Source: "billing", Kind: ingest.Drifting, Rule: "Invoice Sent: amount missing", Heard: noon.AddDate(0, 0, -9), Began: noon.AddDate(0, 0, -9), Ended: noon.AddDate(0, 0, -8), Why: "amount of Invoice Sent: missing, though required, in 12 % of 310 records."},
	}
	c.sums[2].Alarms = c.alarms[:1]
	c.breaches = []ingest.Breach{{Source: "billing", Hour: noon, Rule: "Invoice Sent", Problem: ingest.Checked, N: 310}, {Source: "billing", Hour: noon, Rule: "Invoice Sent", Field: "amount", Problem: ingest.Missing, N: 37}}
	c.sample = []cairn.Event{{Kind: cairn.Track, Name: "Invoice Sent", Seen: noon, Props: []byte(`{"amount":12}`)}, {Kind: cairn.Track, Name: "Invoice Sent", Seen: noon, Props: []byte(`{"amount":"x","plan":"pro"}`)}, {Kind: cairn.Track, Name: "Invoice Sent", Seen: noon, Props: []byte(`{"amount":7}`)}}
	c.sums[0].Keys = []ingest.Key{
		{ID: 1, Source: "segment", Name: "Website", Hint: "wk_1a2b…", Scopes: []ingest.KeyScope{ingest.MayWrite}, Made: noon.AddDate(0, -5, 0), By: cairn.House, LastUsed: "2026-03-15"},
		{ID: 2, Source: "segment", Hint: "wk_77fe…", Scopes: []ingest.KeyScope{ingest.MayWrite, ingest.MayRead}, Kinds: []cairn.EventKind{cairn.Track}, Origins: []string{"https://app.example.com"}, Made: noon.AddDate(0, -1, 0), By: cairn.House, Expires: noon.AddDate(0, 0, 3)},
		{ID: 3, Source: "segment", Name: "Old export", Hint: "wk_0c0c…", Scopes: []ingest.KeyScope{ingest.MayWrite}, Made: noon.AddDate(-1, 0, 0), By: cairn.House, Withdrawn: noon.AddDate(0, 0, -9), WithdrawnBy: &cairn.House},
	}
	c.rejects = []ingest.Reject{
		{ID: 3, Source: "segment", Seen: noon.Add(-4 * time.Minute), Index: 17, Field: "event", Reason: "A track call needs the name of its event.", Body: `{"type":"track","userId":"u-812","properties":{"report":"Q3"}}`},
		{ID: 2, Source: "segment", Seen: noon.Add(-50 * time.Minute), Index: 2, Field: "userId", Reason: "Either userId or anonymousId is needed.", Body: `{"type":"page","name":"Pricing"}`},
		{ID: 1, Source: "segment", Seen: noon.Add(-30 * time.Hour), Index: 0, Reason: "This record is larger than 32 KiB."},
	}
	c.people = []cairn.Person{{ID: cairn.PersonID{ID: cairn.HashID("p1")}, Name: "Marta Quist", Mail: "marta@halden.example", Title: "Head of Operations", Role: "champion", LastSeen: noon.AddDate(0, 0, -19)}}
	return c
}

func atRisk(a cairn.Account) cairn.Money {
	if a.Vector.Way == cairn.Falling {
		return a.MRR
	}
	return cairn.Money{Currency: a.MRR.Currency}
}

func anAccount(name string, level int, slope float64, mrr int64, renews int) cairn.Account {
	key := strings.ToLower(strings.Fields(name)[0])
	a := cairn.Account{
		ID: cairn.Space("").Account(key), Key: key, Name: name, Domain: key + ".example", Owner: ada.Mail, Status: cairn.Customer,
		First: noon.AddDate(-1, -2, 0), LastSeen: noon.AddDate(0, 0, -2),
		Vector: cairn.Vector{At: noon, Way: cairn.Unknown, Model: "default", Rev: 1, Why: "Nothing could be measured yet: no event, contract or ticket has arrived."},
	}
	if mrr > 0 {
		a.MRR = cairn.Money{Minor: mrr * 100, Currency: "EUR"}
		a.Renews = noon.AddDate(0, 0, renews)
	}
	if level == 0 {
		return a
	}
	v := &a.Vector
	v.Known, v.Level, v.Slope, v.Way = true, cairn.Points(level*1000), cairn.Points(slope*1000), cairn.Steady
	if slope > 2 {
		v.Way = cairn.Rising
	} else if slope < -2 {
		v.Way = cairn.Falling
	}
	v.Why = fmt.Sprintf("%d, %s. Most is lost with active people: 3 of 12 were active in 28 days.", level, wayWord(*v))
	for w := 13; w >= 0; w-- {
		wobble := float64((w*7+level)%5) - 2
		v.Trail = append(v.Trail, cairn.Mark{At: noon.AddDate(0, 0, -7*w), Known: w < 12, Level: cairn.Points((float64(level) - slope*float64(w)*7/30 + wobble) * 1000)})
	}
	v.Trail[13].Level = v.Level
	rest := v.Level
	for i, r := range []cairn.Reason{
		{Signal: "usage.active_people_28d", Group: "Usage", Label: "Active people", Value: 3, Known: true, Of: 30_000, Text: "3 of 12 people were active in 28 days (9 a month ago)"},
		{Signal: "people.champion_seen", Group: "People", Label: "Champion", Known: true, Of: 15_000, Text: "The champion was last seen 19 days ago"},
		{Signal: "support.open_tickets", Group: "Support", Label: "Open tickets", Value: 4, Known: true, Of: 20_000, Text: "4 tickets are open, the oldest for 23 days"},
		{Signal: "billing.days_overdue", Group: "Billing", Label: "Days overdue", Known: true, Of: 15_000, Text: "No invoice is overdue"},
		{Signal: "usage.licence_use", Group: "Usage", Label: "Licence use", Value: 0.6, Known: true, Of: 20_000, Text: "12 of 20 seats are used"},
		{Signal: "sentiment.nps", Group: "Voice", Label: "NPS", Known: false, Text: "No survey was answered within a year"},
	} {
		share := []int{1, 2, 3, 9, 6, 0}[i]
		if r.Known {
			r.Points = min(rest, r.Of*cairn.Points(min(share+level/12, 10))/10)
			rest -= r.Points
		}
		v.Reasons = append(v.Reasons, r)
	}
	v.Reasons[4].Points += rest
	return a
}

func summary(name string, accepted, late, duplicate, rejected int64) ingest.Summary {
	s := ingest.Summary{Source: ingest.Source{Name: name}, Total: ingest.Arrival{Source: name, Accepted: accepted, Late: late, Duplicate: duplicate, Rejected: rejected}}
	for h := 47; h >= 0; h-- {
		hour := noon.Truncate(time.Hour).Add(-time.Duration(h) * time.Hour)
		a := ingest.Arrival{Source: name, Hour: hour}
		if accepted > 0 {
			day := float64((hour.Hour()+18)%24) / 24
			a.Accepted = int64(float64(accepted) / 900 * (0.15 + 4*day*(1-day)))
			if rejected > 0 && h%17 == 3 {
				a.Rejected = a.Accepted/4 + 1
			}
		}
		s.Hours = append(s.Hours, a)
	}
	if accepted > 0 {
		s.Total.Last = noon.Add(-time.Duration(len(name)*len(name)) * time.Minute)
	}
	return s
}

func jsonOf(v any) json.RawMessage { b, _ := json.Marshal(v); return b }

func (c *company) Products(context.Context, cairn.Scope, cairn.AccountID) ([]string, error) {
	return []string{""}, nil
}
