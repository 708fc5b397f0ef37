package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A movementsView is the page of the movements behind a figure, or of those of
// one account.
type movementsView struct {
	revenueView
	revenue.Picked
	Kind    ledger.Kind
	Skip    int
	Account cairn.Account // whose they are; zero: those behind a figure
}

// mostMovements is how many movements the page shows at once.
const mostMovements = 100

func (s *site) revenueMovements(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.movementsView(r, v, mostMovements)
	if err != nil {
		return err
	}
	if err := s.Revenue.Explain(r.Context(), t.Asked, &t.Picked); err != nil {
		return err
	}
	p := Page{Title: t.title(), Active: "revenue", Crumbs: []Crumb{{"Revenue", t.address("/revenue")}}, Date: lensDate(v, lensOf(v))}
	return s.render(w, r, v, p, movementsPage(v, t))
}

// movementsView reads at most so many of the movements that are asked for.
func (s *site) movementsView(r *http.Request, v View, limit int) (t movementsView, err error) {
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return t, err
	}
	t.At = knownOn(t.Asked, v)
	if _, ok := revenue.OfContracts(t.Asked.By); ok && r.Form.Has("value") {
		part := r.FormValue("value")
		t.Asked.Part = &part
	}
	t.Kind = ledger.Kind(r.FormValue("kind"))
	if t.Kind != "" && !slices.Contains(ledger.Kinds(), t.Kind) {
		return t, cairn.Errorf(cairn.NotFound, "There are no movements of this kind.").At("kind")
	}
	if n, err := strconv.Atoi(r.FormValue("skip")); err == nil && n > 0 && limit == mostMovements {
		t.Skip = n
	}
	t.Picked, err = s.Revenue.Movements(r.Context(), v.Scope(), t.Asked, t.Kind, t.Skip, limit)
	t.Report.Currency, t.Report.Policy = t.Picked.Currency, t.Picked.Policy
	return t, err
}

// accountMovements shows all movements of one account.
func (s *site) accountMovements(w http.ResponseWriter, r *http.Request, v View) error {
	id, moved, err := s.accountID(w, r, v)
	if err != nil || moved {
		return err
	}
	var t movementsView
	if t.Account, err = s.Accounts.Account(r.Context(), v.Scope(), id); err != nil {
		return err
	}
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return err
	}
	t.At = knownOn(t.Asked, v)
	if t.Picked, err = s.Revenue.Account(r.Context(), v.Scope(), t.Asked, id); err != nil {
		return err
	}
	if err := s.Revenue.Explain(r.Context(), t.Asked, &t.Picked); err != nil {
		return err
	}
	t.Report.Currency, t.Report.Policy = t.Picked.Currency, t.Picked.Policy
	p := Page{
		Title: "What " + t.Account.Name + " paid", Active: "accounts", Crumbs: []Crumb{{"Accounts", "/accounts"}, {t.Account.Name, "/accounts/" + id.String() + "#money"}},
		Date: lensDate(v, lensOf(v)),
	}
	return s.render(w, r, v, p, movementsPage(v, t))
}

// here is the path of the page.
func (t movementsView) here() string {
	if t.Account.ID.IsZero() {
		return "/revenue/movements"
	}
	return "/revenue/movements/" + t.Account.ID.String()
}

// page leads to the same movements, without the first of them.
func (t movementsView) page(skip int) string {
	more := ""
	if skip > 0 {
		more = strconv.Itoa(skip)
	}
	return t.address(t.here(), "kind", string(t.Kind), "skip", more)
}

var kindNames = map[ledger.Kind]string{
	"": "Movements", ledger.New: "New", ledger.Expansion: "Expansion", ledger.Contraction: "Contraction",
	ledger.Churn: "Churn", ledger.Reactivation: "Reactivation", ledger.Effect: "Exchange rates",
}

func (t movementsView) title() string { return kindNames[t.Kind] }

func (t movementsView) words(v View) string {
	if !t.Account.ID.IsZero() {
		return fmt.Sprintf("a month is what it pays after %s, policy %s.", v.several(t.Count, "movement", "movements"), t.Policy.Name)
	}
	if part := t.Asked.Part; part != nil {
		return fmt.Sprintf("%s: %s in the ledger of %s %s, of %s, policy %s.", t.months(), v.several(t.Count, "movement", "movements"),
			t.Asked.By, cmp.Or(*part, "not told"), v.several(t.Accounts, "account", "accounts"), t.Policy.Name)
	}
	return fmt.Sprintf("%s: %s of %s, policy %s.", t.months(), v.several(t.Count, "movement", "movements"), v.several(t.Accounts, "account", "accounts"), t.Policy.Name)
}

// fieldNames are how people call the fields of contracts.
var fieldNames = map[string]string{
	"mrr": "Price a month", "amount": "Price", "interval": "Paid every", "unit_amount": "Price of a seat", "seats": "Seats", "status": "Status",
	"start": "Start", "end": "End", "renews": "Renews", "cancelled_at": "Notice given", "auto_renew": "Renews by itself", "trial_end": "Trial ends",
	"paused_at": "Paused", "resumes_at": "Resumes", "refunded_at": "Refunded", "discount_percent": "Discount in percent", "discount_amount": "Discount",
}

// fieldName is a field of a contract as people call it.
func fieldName(field string) string {
	if n := fieldNames[field]; n != "" {
		return n
	}
	text := strings.ReplaceAll(field, "_", " ")
	return strings.ToUpper(text[:1]) + text[1:]
}

// changeWords says a change: "Seats 10 → 12".
func changeWords(c ledger.Change) string {
	of := func(s string) string {
		if s == "" {
			return "nothing"
		}
		return shorten(s, 60)
	}
	if c.Old == "" {
		return fieldName(c.Field) + " " + of(c.New)
	}
	return fieldName(c.Field) + " " + of(c.Old) + " → " + of(c.New)
}

// because is the first of what caused a movement, in one line.
func because(m revenue.Moved) string {
	for _, b := range m.Causes {
		switch {
		case b.Why != "":
			return strings.ToUpper(b.Why[:1]) + b.Why[1:]
		case len(b.Changes) > 0:
			return changeWords(b.Changes[0])
		}
	}
	return "Its contracts"
}

// A behindView is the page of the accounts behind a figure.
type behindView struct {
	revenueView
	revenue.Payers
	Of   revenue.Figure
	Skip int
}

func (s *site) behindView(r *http.Request, v View, limit int) (t behindView, err error) {
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return t, err
	}
	t.Asked.By, t.At, t.Of = "", knownOn(t.Asked, v), revenue.Figure(r.FormValue("of"))
	if n, err := strconv.Atoi(r.FormValue("skip")); err == nil && n > 0 && limit == mostMovements {
		t.Skip = n
	}
	t.Payers, err = s.Revenue.Behind(r.Context(), v.Scope(), t.Asked, t.Of, t.Skip, limit)
	t.Report.Currency, t.Report.Policy = t.Payers.Currency, t.Payers.Policy
	return t, err
}

func (s *site) revenueBehind(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.behindView(r, v, mostMovements)
	if err != nil {
		return err
	}
	p := Page{Title: figureNames[t.Of], Active: "revenue", Crumbs: []Crumb{{"Revenue", t.address("/revenue")}}, Date: lensDate(v, lensOf(v))}
	return s.render(w, r, v, p, behindPage(v, t))
}

var figureNames = map[revenue.Figure]string{
	revenue.OfStart: "Customers at the start", revenue.OfEnd: "Customers at the end", revenue.OfKept: "What is left of each", revenue.OfLost: "Customers lost",
	revenue.OfEarly: "Lost within 90 days", revenue.OfEligible: "Who could leave", revenue.OfRenewals: "Renewals ahead", revenue.OfRisk: "At risk",
}

// words says what is behind the figure, all together.
func (t behindView) words(v View) string {
	n := v.several(t.Count, "account", "accounts")
	m := func(minor int64) string { return v.Money(t.money(minor)) }
	switch t.Of {
	case revenue.OfStart:
		return fmt.Sprintf("%s paid %s a month before %s.", n, m(t.Start), monthName(t.Asked.From))
	case revenue.OfKept:
		return fmt.Sprintf("%s paid %s a month before %s. Of that %s is left, and they pay %s now. Who lost most comes first.", n, m(t.Start), monthName(t.Asked.From), m(t.Gross), m(t.End))
	case revenue.OfLost:
		return fmt.Sprintf("%s left %s; %s of them had come before it.", n, t.months(), m(t.Start))
	case revenue.OfEarly:
		return fmt.Sprintf("%s left %s, within 90 days of the sale.", n, t.months())
	case revenue.OfEligible:
		return fmt.Sprintf("%s could leave %s, or did. They pay %s a month now.", n, t.months(), m(t.End))
	case revenue.OfRenewals:
		return fmt.Sprintf("%s of %s are to be renewed within %d days: %s a month.", v.several(t.Dues, "contract", "contracts"), n, revenue.Ahead, m(t.Due))
	case revenue.OfRisk:
		return fmt.Sprintf("%s that are low or falling pay %s a month.", n, m(t.End))
	}
	return fmt.Sprintf("%s pay %s a month.", n, m(t.End))
}

func (t behindView) page(skip int) string {
	more := ""
	if skip > 0 {
		more = strconv.Itoa(skip)
	}
	return t.address("/revenue/accounts", "of", string(t.Of), "skip", more)
}

// riskWords says why an account is at risk.
func riskWords(r *revenue.Risk) string {
	if r.Way == cairn.Falling {
		return fmt.Sprintf("level %d, falling", r.Level.Round())
	}
	return fmt.Sprintf("level %d", r.Level.Round())
}

// withSign writes an amount with its sign.
func withSign(v View, m cairn.Money) string {
	if m.Minor > 0 {
		return "+" + v.MoneyExact(m)
	}
	return v.MoneyExact(m)
}
