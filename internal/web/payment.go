package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/payment"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

func (s *site) paymentRoutes(mux *http.ServeMux) {
	if s.Payments == nil {
		return
	}
	mux.Handle("GET /revenue/payments", s.page(s.staysOn(s.payments)))
	s.files(mux, "/revenue/payments", s.paymentsTable)
}

// A paymentsFilter is what the address says.
type paymentsFilter struct {
	Kind  payment.Kind // "": all
	Owner string       // address; "-" is nobody's; "": all
	Age   string       // of late invoices: "1-30" …; "": all
	Then  cairn.Day    // as of its end; 0: now
	Lens  lens
}

// A paymentsView is the page of what keeps customers from paying.
type paymentsView struct {
	Filter   paymentsFilter
	Report   payment.Report
	Late     []payment.Finding // within the filter's owner
	Failed   []payment.Finding
	Cards    []payment.Finding
	Stopped  []payment.Finding
	Ages     []payment.Age
	Owners   []string
	accounts map[cairn.AccountID]cairn.Account
	mrr      map[cairn.AccountID]int64
}

func (s *site) readPayments(r *http.Request, v View) (paymentsFilter, error) {
	f := paymentsFilter{Kind: payment.Kind(r.FormValue("kind")), Owner: strings.ToLower(strings.TrimSpace(r.FormValue("owner"))), Age: r.FormValue("age")}
	if f.Kind != "" && !slices.Contains(payment.Kinds, f.Kind) {
		return f, cairn.Errorf(cairn.NotFound, "There is nothing of this kind on the page of payments.").At("kind")
	}
	if f.Age != "" && !slices.Contains(paymentAges, f.Age) {
		return f, cairn.Errorf(cairn.Invalid, "An age is one of %s.", strings.Join(paymentAges, ", ")).At("age")
	}
	if text := r.FormValue("at"); text != "" {
		t, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return f, cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2026-01-31 is needed.", text).At("at")
		}
		if f.Then = cairn.DayOf(t, time.UTC); f.Then >= v.Today() {
			f.Then = 0
		}
	}
	var err error
	f.Lens, err = s.lens(r, v)
	return f, err
}

var paymentAges = []string{"1-30", "31-60", "61-90", "91-"}

// ageKey is what an address calls a span of days.
func ageKey(a payment.Age) string {
	if a.To == 0 {
		return strconv.Itoa(a.From) + "-"
	}
	return fmt.Sprintf("%d-%d", a.From, a.To)
}

func ageWords(a payment.Age) string {
	if a.To == 0 {
		return fmt.Sprintf("over %d days", a.From-1)
	}
	return fmt.Sprintf("%d to %d days", a.From, a.To)
}

// values are the filter as an address says it.
func (f paymentsFilter) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"kind": string(f.Kind), "owner": f.Owner, "age": f.Age} {
		if value != "" {
			q.Set(name, value)
		}
	}
	f.Lens.keep(q)
	return q
}

func (f paymentsFilter) address(path string) string { return addressOf(path, f.values()) }

func (f paymentsFilter) of(kind payment.Kind) paymentsFilter {
	f.Kind, f.Age = kind, ""
	return f
}

func (f paymentsFilter) aged(age string) paymentsFilter {
	f.Kind, f.Age = payment.Late, age
	return f
}

// shows reports whether the page has the list of a kind.
func (f paymentsFilter) shows(kind payment.Kind) bool { return f.Kind == "" || f.Kind == kind }

func (s *site) paymentsView(r *http.Request, v View) (paymentsView, error) {
	var t paymentsView
	var err error
	if t.Filter, err = s.readPayments(r, v); err != nil {
		return t, err
	}
	at := time.Time{}
	if t.Filter.Then != 0 {
		at = t.Filter.Then.End(v.Zone)
	}
	if t.Report, err = s.Payments.Report(r.Context(), v.Scope(), at); err != nil {
		return t, err
	}
	if err = s.narrowPayments(r, v, &t); err != nil {
		return t, err
	}
	all := t.Report.Findings("")
	if t.accounts, err = s.Payments.Named(r.Context(), v.Scope(), all); err != nil {
		return t, err
	}
	t.mrr = t.Report.MRR()
	for _, f := range all {
		if mail := t.accounts[f.Account].Owner; mail != "" && !slices.Contains(t.Owners, mail) {
			t.Owners = append(t.Owners, mail)
		}
	}
	slices.Sort(t.Owners)
	t.Late, t.Failed, t.Cards, t.Stopped = t.owned(payment.Late), t.owned(payment.Failed), t.owned(payment.Card), t.owned(payment.Stopped)
	t.Ages = t.Report.Ageing(t.Late)
	if t.Filter.Age != "" {
		t.Late = nil
		for _, a := range t.Ages {
			if ageKey(a) == t.Filter.Age {
				t.Late = a.Findings
			}
		}
		slices.SortStableFunc(t.Late, func(a, b payment.Finding) int { return b.Days - a.Days })
	}
	return t, nil
}

// narrowPayments leaves out the customers that the lens does not let pass.
func (s *site) narrowPayments(r *http.Request, v View, t *paymentsView) error {
	where, err := revenue.ParseWhere(strings.Join(r.Form["where"], "\n"))
	if err != nil || len(where) == 0 {
		return err
	}
	if s.Revenue == nil {
		return cairn.Errorf(cairn.Invalid, "Payments cannot be narrowed here: nothing is known of contracts.").At("where")
	}
	return s.Revenue.Among(r.Context(), v.Scope(), revenue.WhereText(where), func(lets func(cairn.AccountID) bool) error {
		t.Report.Customers = slices.DeleteFunc(t.Report.Customers, func(c payment.Customer) bool { return !lets(c.Account) })
		return nil
	})
}

// owned are the findings of a kind about accounts of the filter's owner.
func (t paymentsView) owned(kind payment.Kind) []payment.Finding {
	return slices.DeleteFunc(t.Report.Findings(kind), func(f payment.Finding) bool {
		mail := t.accounts[f.Account].Owner
		return t.Filter.Owner == "-" && mail != "" || t.Filter.Owner != "" && t.Filter.Owner != "-" && mail != t.Filter.Owner
	})
}

func (s *site) payments(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.paymentsView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true, Date: lensDate(v, t.Filter.Lens)}, paymentsPage(v, t))
}

// none reports whether nothing is known by which to tell.
func (t paymentsView) none() bool { return len(t.Report.Customers) == 0 }

// well reports whether nothing keeps anybody from paying.
func (t paymentsView) well() bool {
	return len(t.Late)+len(t.Failed)+len(t.Cards)+len(t.Stopped) == 0 && t.Filter.Age == ""
}

// sum writes an amount, and apart what could not be added to it.
func (t paymentsView) sum(v View, s payment.Sum) string {
	parts := []string{}
	if s.Money.Minor != 0 || len(s.Apart) == 0 {
		parts = append(parts, v.Money(s.Money))
	}
	for _, m := range s.Apart {
		parts = append(parts, v.Money(m))
	}
	return strings.Join(parts, " and ")
}

func accountsIn(findings []payment.Finding) int {
	seen := map[cairn.AccountID]bool{}
	for _, f := range findings {
		seen[f.Account] = true
	}
	return len(seen)
}

// sentence says how much is late, of how many, and what is about to fail.
func (t paymentsView) sentence(v View) string {
	all := []payment.Finding{}
	for _, a := range t.Ages {
		all = append(all, a.Findings...)
	}
	out := "No invoice is late."
	if len(all) > 0 {
		longest := 0
		for _, f := range all {
			longest = max(longest, f.Days)
		}
		out = fmt.Sprintf("%s is late: %s of %s, the longest for %s.", t.sum(v, t.Report.Sum(all)),
			v.several(len(all), "invoice", "invoices"), v.several(accountsIn(all), "account", "accounts"), v.several(longest, "day", "days"))
	}
	open := 0
	for _, f := range t.Failed {
		if f.Open() {
			open++
		}
	}
	switch {
	case open > 0:
		out += fmt.Sprintf(" %s could not be collected and %s.", v.several(open, "invoice", "invoices"), waits(open))
	case len(t.Failed) > 0:
		out += fmt.Sprintf(" %s that had failed %s paid since.", v.several(len(t.Failed), "payment", "payments"), wasOrWere(len(t.Failed)))
	}
	if len(t.Cards) > 0 {
		out += fmt.Sprintf(" %s about to stop paying: %s a month.", cardsAre(v, len(t.Cards)), v.Money(t.money(t.Report.Stake(t.Cards))))
	}
	if len(t.Stopped) > 0 {
		out += fmt.Sprintf(" %s disputed or given up.", areOrIs(v, len(t.Stopped)))
	}
	return out
}

func waits(n int) string {
	if n == 1 {
		return "waits still"
	}
	return "wait still"
}

func wasOrWere(n int) string {
	if n == 1 {
		return "was"
	}
	return "were"
}

func cardsAre(v View, n int) string {
	if n == 1 {
		return "1 card has expired or is"
	}
	return v.Count(int64(n)) + " cards have expired or are"
}

func areOrIs(v View, n int) string {
	if n == 1 {
		return "1 payment is"
	}
	return v.Count(int64(n)) + " payments are"
}

func (t paymentsView) money(minor int64) cairn.Money {
	return cairn.Money{Minor: minor, Currency: t.Report.Currency}
}

// account is where an account lives, at the moment of the page.
func (t paymentsView) account(id cairn.AccountID, anchor string) string {
	path := "/accounts/" + id.String()
	if t.Filter.Then != 0 {
		path += "?at=" + t.Filter.Then.String()
	}
	return path + anchor
}

// name is what an account is called.
func (t paymentsView) name(id cairn.AccountID) string {
	if name := t.accounts[id].Name; name != "" {
		return name
	}
	return "An account without a name"
}

// dayIn writes a day.
func dayIn(v View, d cairn.Day) string {
	if d == 0 {
		return "–"
	}
	return v.Date(d.Start(v.Zone))
}

// expiry says when a card expires, seen from the day of the page.
func expiry(v View, f payment.Finding) string {
	switch {
	case f.Days < 0:
		return "expired " + v.several(-f.Days, "day", "days") + " ago"
	case f.Days == 0:
		return "today"
	}
	return "in " + v.several(f.Days, "day", "days")
}

// afterExpiry says what falls after a card expires.
func afterExpiry(v View, f payment.Finding) string {
	if len(f.Next) == 0 {
		return "no invoice is to be expected"
	}
	var parts []string
	for _, c := range f.Next {
		text := dayIn(v, c.On) + ": " + v.Money(c.Amount)
		switch {
		case c.Key != "":
			text += ", open (" + c.Key + ")"
		case c.Every != "":
			text += ", then every " + c.Every
		}
		parts = append(parts, text)
	}
	return strings.Join(parts, "; ")
}

// bars are how much is late for how long.
func (t paymentsView) bars(v View) map[string]any {
	var names []string
	var bars []any
	for _, a := range t.Ages {
		names = append(names, ageWords(a))
		look := "--orange"
		if a.To == 0 {
			look = "--red"
		}
		units := float64(a.Sum.Money.Minor)
		for range cairn.MinorDigits(t.Report.Currency) {
			units /= 10
		}
		bars = append(bars, map[string]any{
			"value": units, "name": ageWords(a) + ": " + t.sum(v, a.Sum) + ", " + v.several(len(a.Findings), "invoice", "invoices"),
			"itemStyle": map[string]any{"color": look}, "href": t.Filter.aged(ageKey(a)).address("/revenue/payments"),
			"label": map[string]any{"show": true, "position": "top", "color": "--ink", "fontSize": 12, "formatter": t.sum(v, a.Sum)},
		})
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 8, "top": 28, "bottom": 8, "containLabel": true},
		"xAxis":   map[string]any{"type": "category", "data": names, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}, "axisTick": map[string]any{"show": false}, "axisLabel": map[string]any{"color": "--dim", "interval": 0, "fontSize": 12}},
		"yAxis":   map[string]any{"type": "value", "min": 0, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series":  []any{map[string]any{"type": "bar", "data": bars, "cursor": "pointer", "barWidth": "48%"}},
	}
}

func (t paymentsView) barWords(v View) string {
	var parts []string
	for _, a := range t.Ages {
		parts = append(parts, ageWords(a)+" "+t.sum(v, a.Sum))
	}
	return "Late by how long: " + strings.Join(parts, ", ") + "."
}

// paymentsTable is what the page shows.
func (s *site) paymentsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.paymentsView(r, v)
	if err != nil {
		return sheet.Table{}, err
	}
	var all []payment.Finding
	for _, list := range [][]payment.Finding{t.Late, t.Failed, t.Cards, t.Stopped} {
		for _, f := range list {
			if t.Filter.shows(f.Kind) {
				all = append(all, f)
			}
		}
	}
	return sheet.Table{
		Name: "payments", Same: []sheet.Fact{{Key: "as_of", Cell: sheet.Time(t.Report.At)}, {Key: "mrr_currency", Cell: sheet.Text(t.Report.Currency)}},
		Columns: []sheet.Column{
			{Key: "kind"}, {Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "owner"}, {Key: "record"}, {Key: "amount"}, {Key: "currency"}, {Key: "on"}, {Key: "days"},
			{Key: "attempts"}, {Key: "paid_since"}, {Key: "why"}, {Key: "mrr", Title: "MRR"}, {Key: "next_charge"}, {Key: "next_amount"}, {Key: "next_currency"},
		},
		Rows: sheet.Of(all, t.cells),
	}, nil
}

// cells are a finding as a row of a file.
func (t paymentsView) cells(f payment.Finding) []sheet.Cell {
	on, amount, currency := sheet.Text(""), sheet.Text(""), ""
	if len(f.Next) > 0 {
		on, amount, currency = sheet.Date(f.Next[0].On), moneyCell(f.Next[0].Amount), f.Next[0].Amount.Currency
	}
	paid := "no"
	if f.Paid {
		paid = "yes"
	}
	return []sheet.Cell{
		sheet.Text(string(f.Kind)), sheet.Text(f.Account.String()), sheet.Text(t.name(f.Account)), sheet.Text(t.accounts[f.Account].Owner), sheet.Text(f.Key), moneyCell(f.Amount), sheet.Text(f.Amount.Currency),
		sheet.Date(f.On), sheet.Count(f.Days), sheet.Count(f.Times), sheet.Text(paid), sheet.Text(payment.StoppedWhy(f.Status)), moneyCell(t.money(t.mrr[f.Account])), on, amount, sheet.Text(currency),
	}
}

// moneyCell is an amount, and nothing where there is none.
func moneyCell(m cairn.Money) sheet.Cell {
	if m.Currency == "" {
		return sheet.Text("")
	}
	return sheet.Money(m)
}
