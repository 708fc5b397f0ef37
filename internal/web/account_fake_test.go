package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/event"
	"cairn/internal/ingest"
	"cairn/internal/signal"
	"cairn/internal/work"
)

// customers is a company whose accounts come in pages and whose first account
// has a life: people, contracts, tickets, a timeline and a past.
type customers struct {
	*company
	timeline []cairn.Event
	known    map[cairn.PersonID]cairn.Person
	queries  []account.Query // those that lists were asked
	then     time.Time       // the moment of the last list of the past
}

// site serves the pages of c.
func (c *customers) site() http.Handler {
	return New(Deps{
		Usage: counting(c, nil), Accounts: c, Explain: c, Past: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon },
	})
}

// At is the list as of then: the same accounts, each ten points lower.
func (c *customers) At(t time.Time) account.Lister {
	c.then = t
	past := *c
	past.accounts = slices.Clone(c.accounts)
	for i := range past.accounts {
		past.accounts[i].Vector.Level -= 10_000
	}
	return &past
}

func (c *customers) Accounts(ctx context.Context, s cairn.Scope, q account.Query) (account.Page, error) {
	c.queries = append(c.queries, q)
	limit, from := q.Limit, 0
	if q.Cursor != "" {
		from, _ = strconv.Atoi(q.Cursor)
	}
	q.Limit, q.Cursor = 0, ""
	p, err := c.company.Accounts(ctx, s, q)
	if err != nil {
		return p, err
	}
	end := min(from+limit, len(p.Accounts))
	if end < len(p.Accounts) {
		p.Next = strconv.Itoa(end)
	}
	p.Accounts = p.Accounts[min(from, end):end]
	return p, nil
}

func (c *customers) Totals(ctx context.Context, s cairn.Scope, q account.Query) (account.Totals, error) {
	q.Limit = 0
	p, err := c.company.Accounts(ctx, s, q)
	if err != nil {
		return account.Totals{}, err
	}
	part := &company{accounts: p.Accounts}
	t, err := part.Totals(ctx, s, q)
	t.Owners = []string{ada.Mail, "ben.okafor@cairn.example"}
	return t, err
}

func (c *customers) Timeline(_ context.Context, _ cairn.Scope, q event.Query) (event.Page, error) {
	var out []cairn.Event
	for _, e := range c.timeline {
		if len(q.Kinds) > 0 && !slices.Contains(q.Kinds, e.Kind) || !q.Person.IsZero() && q.Person != e.Person ||
			q.Name != "" && !strings.Contains(strings.ToLower(e.Name), strings.ToLower(q.Name)) ||
			!q.To.IsZero() && e.At.After(q.To) || !q.From.IsZero() && e.At.Before(q.From) {
			continue
		}
		out = append(out, e)
	}
	from, _ := strconv.Atoi(q.Cursor)
	end := min(from+q.Limit, len(out))
	p := event.Page{Events: out[from:end], People: c.known}
	if end < len(out) {
		p.Next = strconv.Itoa(end)
	}
	return p, c.broken
}

func (c *customers) Tasks(ctx context.Context, s cairn.Scope, q work.Query, now time.Time) ([]work.Item, error) {
	if slices.Contains(q.States, cairn.TaskDone) {
		i := c.items[0]
		i.Task.ID, i.Task.Title = cairn.RecordID{ID: cairn.HashID("old")}, "Send the summary of the review"
		i.Task.State, i.Task.Closed, i.Task.Outcome = cairn.TaskDone, now.AddDate(0, 0, -9), "They asked for a second session"
		return []work.Item{i}, nil
	}
	return c.company.Tasks(ctx, s, q, now)
}

// Levels bends, so that a chart has something to show.
func (c *customers) Levels(ctx context.Context, s cairn.Scope, id cairn.AccountID, at []time.Time) ([]cairn.Mark, error) {
	a, err := c.Account(ctx, s, id)
	out := make([]cairn.Mark, len(at))
	for i, t := range at {
		weeks := float64(noon.Sub(t)) / float64(7*24*time.Hour)
		level := float64(a.Vector.Level)/1000 + 3.4*min(weeks, 12) - 0.9*max(weeks-12, 0) + float64(i*i%5) - 2
		out[i] = cairn.Mark{At: t, Level: cairn.Points(1000 * min(max(level, 0), 100)), Known: a.Vector.Known && weeks < 58}
	}
	if n := len(out); n > 0 {
		out[n-1].Level = a.Vector.Level
	}
	return out, err
}

// newcomers is a workspace without a single account.
func newcomers() *customers { return &customers{company: bareCompany()} }

// one is the address of the first account.
func (c *customers) one() string { return "/accounts/" + c.accounts[0].ID.String() }

// regulars is a workspace with a year behind it.
func regulars() *customers {
	c := &customers{company: fullCompany(), known: map[cairn.PersonID]cairn.Person{}}
	for i := range 120 {
		c.accounts = append(c.accounts, anAccount(fmt.Sprintf("Customer%03d Ltd", i), 20+i*7%75, float64(i%13)-6, int64(300+i*37), 10+i*5))
	}
	c.people = somePeople()
	for _, p := range c.people {
		c.known[p.ID] = p
	}
	a := &c.accounts[0]
	a.Vector, a.Signals, a.OpenTasks = measured()
	c.items[0].Account = *a
	c.records = someRecords(a.ID)
	c.timeline = someEvents(c.people)
	return c
}

func somePeople() []cairn.Person {
	var out []cairn.Person
	for i, p := range []struct{ name, title, role string }{
		{"Marta Quist", "Head of Operations", "champion"},
		{"Jonas Weller", "Chief Financial Officer", "economic_buyer"},
		{"Ines Cardoso", "Platform Engineer", "administrator"},
		{"Tom Adeyemi", "Operations Analyst", "user"},
		{"Wiebke van der Linden-Schwarzenberg", "Warehouse Planning Lead for Northern Europe", "user"},
		{"", "", ""},
	} {
		q := cairn.Person{ID: cairn.PersonID{ID: cairn.HashID("person", p.name)}, Name: p.name, Title: p.title, Role: p.role, Key: fmt.Sprintf("u-%d", i), LastSeen: noon.AddDate(0, 0, -i*i)}
		if p.name == "" {
			q.Erased = true
		} else {
			q.Mail = strings.ToLower(strings.Fields(p.name)[0]) + "@halden.example"
		}
		out = append(out, q)
	}
	out[3].OptedOut = true
	return out
}

// measured is a level whose reasons sum to it, with the signals behind it.
func measured() (cairn.Vector, cairn.Signals, int) {
	s := cairn.Signals{}
	known := func(name string, v float64) {
		s[name] = cairn.Signal{Name: name, Known: true, Number: v, Fresh: noon.Add(-3 * time.Hour)}
	}
	for name, v := range map[string]float64{
		signal.Active28: 5, signal.Active7: 2, signal.ActiveChange: -44.4, signal.LicenceUse: 25, signal.DaysActive: 9,
		signal.Distinct28: 4, signal.Events28: 311, signal.SinceActivity: 2, signal.OpenTickets: 3, signal.OldestOpen: 23,
		signal.MedianClose: 61.5, signal.Overdue: 12, signal.OpenInvoices: 1, signal.FailedPayments: 0, signal.MRR: 1_040_000,
		signal.RenewsIn: 21, signal.Seats: 20, signal.NPS: 6, signal.Champion: 1, signal.SinceChampion: 19,
	} {
		known(name, v)
	}
	s[signal.CSAT] = cairn.Signal{Name: signal.CSAT, Why: "Nobody has answered the satisfaction question."}
	s["trait.industry"] = cairn.Signal{Name: "trait.industry", Known: true, Text: "Robotics", Fresh: noon.AddDate(-1, 0, 0)}
	v := cairn.Vector{At: noon, Known: true, Way: cairn.Falling, Slope: -14_200, Model: "default", Rev: 1,
		Why: "31 of 100 and falling 14 points in 30 days. Two of three champions stopped logging in, a ticket has waited 23 days, and an invoice is 12 days overdue."}
	for _, r := range []struct {
		signal, group, text string
		points, of          cairn.Points
	}{
		{signal.LicenceUse, "Usage", "5 of 20 seats were used in 28 days", 2_900, 15_000},
		{signal.ActiveChange, "Usage", "5 people were active in 28 days, 9 in the 28 days before", 1_950, 7_500},
		{signal.DaysActive, "Usage", "There was activity on 9 of 28 days", 6_000, 10_000},
		{signal.SinceActivity, "Usage", "The last activity was 2 days ago", 7_500, 7_500},
		{signal.OldestOpen, "Support", "The oldest open ticket has waited 23 days", 2_333, 9_000},
		{signal.OpenTickets, "Support", "3 tickets are open", 2_900, 4_000},
		{signal.Overdue, "Billing", "An invoice is 12 days overdue", 6_200, 8_500},
		{signal.SinceChampion, "People", "A champion was last seen 19 days ago", 1_640, 30_500},
		{signal.NPS, "Sentiment", "The last recommendation score is 6 of 10", 0, 8_000},
	} {
		d, _ := signal.Find(r.signal)
		v.Reasons = append(v.Reasons, cairn.Reason{
			Signal: r.signal, Group: r.group, Label: d.Label, Known: true, Points: r.points, Of: r.of, Text: r.text,
			Rule: "Nothing at the worst, full at the best, evenly in between", Fresh: noon.Add(-3 * time.Hour).Format(time.RFC3339),
		})
		v.Level += r.points
	}
	v.Reasons = append(v.Reasons, cairn.Reason{Signal: signal.CSAT, Group: "Sentiment", Label: "Last satisfaction score", Text: "Nobody has answered the satisfaction question"})
	for w := 13; w >= 0; w-- {
		v.Trail = append(v.Trail, cairn.Mark{At: noon.AddDate(0, 0, -7*w), Known: true, Level: v.Level + cairn.Points(w*3300)})
	}
	return v, s, 1
}

func said(fields map[string]string) map[string]cairn.Said {
	out := map[string]cairn.Said{}
	for name, v := range fields {
		out[name] = cairn.Said{Value: jsonOf(v), Source: "crm", At: noon.AddDate(0, -3, 0), Seen: noon.AddDate(0, -3, 0)}
	}
	return out
}

func someRecords(id cairn.AccountID) map[cairn.EventKind][]cairn.Record {
	rec := func(k cairn.EventKind, key string, fields map[string]string) cairn.Record {
		return cairn.Record{ID: cairn.Space("").Record(k, key), Kind: k, Key: key, Account: id, Fields: said(fields), First: noon.AddDate(0, -3, 0), Last: noon}
	}
	out := map[cairn.EventKind][]cairn.Record{
		cairn.OfAccount: {rec(cairn.OfAccount, "halden", map[string]string{
			"name": "Halden Robotics", "domain": "halden.example", "owner": ada.Mail, "status": "customer", "industry": "Robotics", "plan": "Scale", "seats": "20",
		})},
		cairn.OfContract: {
			rec(cairn.OfContract, "c-17", map[string]string{"product": "Planning", "mrr": "10400", "currency": "EUR", "status": "active", "seats": "20", "start": "2025-12-14", "renews": "2026-12-14"}),
			rec(cairn.OfContract, "c-4", map[string]string{"product": "Pilot", "mrr": "900", "currency": "EUR", "status": "cancelled", "start": "2025-09-01", "cancelled_at": "2025-12-13"}),
		},
		cairn.OfInvoice: {
			rec(cairn.OfInvoice, "INV-2211", map[string]string{"amount": "10400", "currency": "EUR", "status": "open", "issued": "2026-10-28", "due": "2026-11-11"}),
			rec(cairn.OfInvoice, "INV-2107", map[string]string{"amount": "10400.50", "currency": "EUR", "status": "paid", "issued": "2026-09-28", "due": "2026-10-12", "paid_at": "2026-10-20"}),
		},
		cairn.OfAnswer: {
			rec(cairn.OfAnswer, "a-1", map[string]string{"survey": "nps", "score": "6", "comment": "Good when it works. The export has been broken for weeks.", "answered": "2026-11-02"}),
		},
	}
	for i := range 9 {
		f := map[string]string{"subject": fmt.Sprintf("Export of shift plan %d stops half-way", i), "status": "closed", "priority": "normal", "opened": noon.AddDate(0, 0, -12*i-23).Format(time.DateOnly)}
		if i < 3 {
			f["status"], f["priority"] = "open", "urgent"
		} else {
			f["closed"] = noon.AddDate(0, 0, -12*i-20).Format(time.DateOnly)
		}
		if i == 0 {
			f["escalated"] = "true"
		}
		out[cairn.OfTicket] = append(out[cairn.OfTicket], rec(cairn.OfTicket, fmt.Sprintf("T-%d", 340-i), f))
	}
	return out
}

func someEvents(people []cairn.Person) []cairn.Event {
	var out []cairn.Event
	n := 0
	add := func(ago time.Duration, e cairn.Event) {
		n++
		e.ID, e.At, e.Seen, e.N = cairn.EventID{ID: cairn.HashID("event", strconv.Itoa(n))}, noon.Add(-ago), noon.Add(-ago+2*time.Second), 1
		if e.Source == "" {
			e.Source = "segment"
		}
		out = append(out, e)
	}
	track := func(ago time.Duration, name string, who int, props string) {
		add(ago, cairn.Event{Kind: cairn.Track, Name: name, Person: people[who].ID, Props: json.RawMessage(props)})
	}
	track(40*time.Minute, "Report Created", 3, `{"name":"Shift cover, week 48","rows":412}`)
	track(43*time.Minute, "Report Created", 3, `{"name":"Shift cover, week 47","rows":398}`)
	track(51*time.Minute, "Report Created", 3, `{"name":"Shift cover, week 46","rows":377}`)
	add(3*time.Hour, cairn.Event{Kind: cairn.OfTask, Name: "planned", Source: "cairn", Keys: cairn.Keys{Record: "task-0"},
		Props: json.RawMessage(`{"title":"Call the economic buyer","state":"open","play":"rule/level-low","priority":1}`)})
	add(26*time.Hour, cairn.Event{Kind: cairn.Interaction, Name: "Call", Source: "cairn",
		Props:    json.RawMessage(`{"type":"call","mood":"bad","by":"1","next_step_due":"2026-11-27"}`),
		Personal: json.RawMessage(`{"text":"Marta is frustrated: the export fails every Monday and the team went back to spreadsheets. She will bring Jonas to the next call.","who":["u-0","Ray from procurement"],"next_step":"Agree a date for the fix with engineering"}`)})
	track(28*time.Hour, "Export Failed", 0, `{"path":"/plans/48/export","code":504}`)
	add(30*time.Hour, cairn.Event{Kind: cairn.OfTicket, Name: "updated", Source: "support", Keys: cairn.Keys{Record: "T-340"},
		Props: json.RawMessage(`{"status":"open","priority":"urgent","escalated":true}`), Personal: json.RawMessage(`{"subject":"Export of shift plan stops half-way"}`)})
	track(50*time.Hour, "Shift Planned", 5, `{"shifts":14}`)
	add(21*24*time.Hour, cairn.Event{Kind: cairn.OfAnswer, Name: "updated", Source: "survey", Person: people[0].ID,
		Props: json.RawMessage(`{"survey":"nps","score":6}`), Personal: json.RawMessage(`{"comment":"Good when it works."}`)})
	add(40*24*time.Hour, cairn.Event{Kind: cairn.OfContract, Name: "updated", Source: "crm", Keys: cairn.Keys{Record: "c-17"}, Props: json.RawMessage(`{"product":"Planning","mrr":"10400","seats":20}`)})
	for i := range 130 {
		track(time.Duration(45*24+i*5)*time.Hour, []string{"Shift Planned", "Plan Published", "Report Created"}[i%3], i%4, `{"shifts":3}`)
	}
	return out
}

// visit asks for a page as Ada and returns its status and text.
func (c *customers) visit(t *testing.T, path string, head ...string) (int, string) {
	t.Helper()
	w := c.send(t, httptest.NewRequest("GET", path, nil), head...)
	return w.Code, w.Body.String()
}

// post sends a form as Ada.
func (c *customers) post(t *testing.T, path string, form url.Values, head ...string) *httptest.ResponseRecorder {
	t.Helper()
	if slices.Contains(head, "HX-Request") {
		head = append(head, "X-CSRF-Token", "csrf-of-ada") // as htmx sends it
	} else {
		form.Set("csrf", "csrf-of-ada")
	}
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(t, r, head...)
}

func (c *customers) send(t *testing.T, r *http.Request, head ...string) *httptest.ResponseRecorder {
	t.Helper()
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: "token-of-ada"})
	for i := 0; i+1 < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	c.site().ServeHTTP(w, r)
	return w
}

var _ ingest.Sources = (*customers)(nil)

func (c *customers) Products(context.Context, cairn.Scope, cairn.AccountID) ([]string, error) {
	return []string{""}, nil
}
