package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

func (s *site) lossRoutes(mux *http.ServeMux) {
	if s.Losses == nil {
		return
	}
	mux.Handle("GET /revenue/losses", s.page(s.staysOn(s.losses)))
	mux.Handle("GET /revenue/losses/say", s.page(s.lossForm))
	mux.Handle("POST /revenue/losses/say", s.page(s.sayLoss))
	mux.Handle("POST /revenue/losses/audit", s.page(s.auditLoss))
	mux.Handle("POST /revenue/losses/undo", s.page(s.undoLoss))
	mux.Handle("GET /revenue/losses/reasons", s.page(s.lossReasons))
	mux.Handle("POST /revenue/losses/reasons", s.page(s.setLossReasons))
	s.files(mux, "/revenue/losses", s.lossTable)
}

// A lossView is the page of who left, and why.
type lossView struct {
	leaving
	Report outcome.LossReport
	Reason string
	Only   string
	Value  *string
	Users  map[string]string // people of Cairn by id
	Done   lossDone
}

// A lossDone is what was just done to a loss.
type lossDone struct {
	Verb    string
	Account string
	Name    string
	On      string
}

// lossVerbs say what was done.
var lossVerbs = map[string]string{"told": "Written down", "confirmed": "Confirmed", "rejected": "Rejected", "undone": "Taken back"}

func (s *site) lossView(r *http.Request, v View) (lossView, error) {
	t := lossView{Reason: r.FormValue("reason"), Only: r.FormValue("only")}
	var err error
	if t.leaving, err = s.leavingAsked(r, v); err != nil {
		return t, err
	}
	if _, ok := r.URL.Query()["value"]; ok && t.Asked.By != "" {
		value := r.URL.Query().Get("value")
		t.Value = &value
	}
	q := outcome.LossQuery{Query: t.Asked, Reason: t.Reason, Only: t.Only, Value: t.Value}
	if t.Report, err = s.Losses.Losses(r.Context(), v.Scope(), q); err != nil {
		return t, err
	}
	t.Currency, t.Policy = t.Report.Currency, t.Report.Policy
	t.Users, err = s.userNames(r.Context())
	return t, err
}

func (s *site) losses(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.lossView(r, v)
	if err != nil {
		return err
	}
	if q := r.URL.Query(); lossVerbs[q.Get("did")] != "" {
		t.Done = lossDone{Verb: q.Get("did"), Account: q.Get("account"), Name: shorten(q.Get("name"), 120), On: q.Get("on")}
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true, Date: lensDate(v, lensOf(v))}, lossesPage(v, t))
}

func (s *site) lossTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.lossView(r, v)
	return t.Report.Table(), err
}

// address leads to the same list, changed in some of its parts.
func (t lossView) address(path string, change ...string) string {
	q := t.query("reason", t.Reason, "only", t.Only)
	if t.Value != nil {
		q.Set("value", *t.Value)
	}
	for i := 0; i+1 < len(change); i += 2 {
		if q.Del(change[i]); change[i+1] != "" {
			q.Set(change[i], change[i+1])
		}
	}
	if !q.Has("by") {
		q.Del("value")
	}
	return addressOf(path, q)
}

// stays are the parts of the address that the form at the top keeps.
func (t lossView) stays() [][2]string {
	var out [][2]string
	for _, h := range [][2]string{{"reason", t.Reason}, {"only", t.Only}} {
		if h[1] != "" {
			out = append(out, h)
		}
	}
	return out
}

// sentence says what there is to know first: what was lost, and of how much of
// it nobody knows why.
func (t lossView) sentence(v View) string {
	all := t.Report.All
	out := fmt.Sprintf("%s left %s, and with them %s a month.", v.several(all.Customers, "customer", "customers"), t.months(), v.Money(t.money(all.MRR)))
	if all.Customers == 0 {
		return "Nobody left " + t.months() + "."
	}
	if all.Open > 0 {
		return out + fmt.Sprintf(" Of %s nobody knows why.", v.Count(int64(all.Open)))
	}
	return out + " Why is known of all of them."
}

// claims says what is claimed to have been unavoidable, and how much of it held.
func (t lossView) claims(v View) string {
	a := t.Report.All
	if a.Claimed == 0 {
		return "Nothing is called unavoidable."
	}
	return fmt.Sprintf("%d of %d losses are called unavoidable (%s, %s a month): %d of them were audited, and %d confirmed.",
		a.Claimed, a.Customers, share(v, outcome.Share(a.Claimed, a.Customers)), v.Money(t.money(a.ClaimedMRR)), a.Audited, a.Confirmed)
}

// A lossFilter is one way to narrow the list down.
type lossFilter struct {
	Name  string
	Only  string
	Count int
}

func (t lossView) filters() []lossFilter {
	a := t.Report.All
	return []lossFilter{
		{"All", "", a.Customers}, {"Nobody knows why", "open", a.Open}, {"Within 90 days", "early", a.Early},
		{"Called unavoidable", "unavoidable", a.Claimed}, {"To be audited", "unaudited", a.Claimed - a.Audited},
	}
}

func (t lossView) reasonName(s outcome.LossSum) string { return cmp.Or(s.Title, "Nobody knows") }

func (t lossView) valueName(s outcome.LossSum) string { return cmp.Or(s.Title, "not told") }

// chart draws the share of each reason, in money and in customers.
func (t lossView) chart(v View) map[string]any {
	var names, money, heads []any
	sums := t.Report.ByReason
	for i := len(sums) - 1; i >= 0; i-- {
		sum := sums[i]
		names = append(names, t.reasonName(sum))
		bar := func(part *float64, text string) any {
			value := 0.0
			if part != nil {
				value = 100 * *part
			}
			out := map[string]any{
				"value": value, "name": t.reasonName(sum) + ": " + text + " (" + share(v, part) + ")",
				"label": map[string]any{"show": true, "position": "right", "color": "--ink", "fontSize": 11, "formatter": text},
			}
			if sum.Key != "" {
				out["href"] = t.address("/revenue/losses", "reason", sum.Key, "only", "")
			} else {
				out["href"] = t.address("/revenue/losses", "reason", "", "only", "open")
			}
			return out
		}
		money = append(money, bar(outcome.Share(sum.MRR, t.Report.All.MRR), v.Money(t.money(sum.MRR))))
		heads = append(heads, bar(outcome.Share(sum.Customers, t.Report.All.Customers), v.Count(int64(sum.Customers))))
	}
	series := func(name, colour string, data []any) map[string]any {
		return map[string]any{"type": "bar", "name": name, "data": data, "cursor": "pointer", "barMaxWidth": 12, "itemStyle": map[string]any{"color": colour}}
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"legend":  map[string]any{"top": 0, "left": 8, "textStyle": map[string]any{"color": "--ink"}, "selectedMode": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 72, "top": 34, "bottom": 8, "containLabel": true},
		"xAxis":   map[string]any{"type": "value", "min": 0, "splitNumber": 4, "axisLabel": map[string]any{"color": "--dim", "formatter": "{value} %"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"yAxis": map[string]any{"type": "category", "data": names, "axisTick": map[string]any{"show": false}, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}},
			"axisLabel": map[string]any{"color": "--ink", "width": 210, "overflow": "truncate"}},
		"series": []any{series("customers", "--grey", heads), series("MRR", "--orange", money)},
	}
}

func (t lossView) chartWords(v View) string {
	var parts []string
	for _, s := range t.Report.ByReason {
		parts = append(parts, fmt.Sprintf("%s: %s and %s", t.reasonName(s), v.several(s.Customers, "customer", "customers"), v.Money(t.money(s.MRR))))
	}
	return "Why customers left. " + strings.Join(parts, "; ") + "."
}

func (t lossView) caption() caption {
	return caption{Title: "Why customers left " + t.months(), Note: "Policy " + t.Policy.Name, Data: t.address("/revenue/losses", "reason", "", "only", "")}
}

// sayAddress leads to the form that asks why a customer left, and back.
func sayAddress(v View, l outcome.Leaver) string {
	return addressOf("/revenue/losses/say", url.Values{"account": {l.Account.String()}, "on": {l.On.String()}, "back": {v.Path}})
}

// claimed says who claimed that a loss was unavoidable, as people read it.
func (t lossView) claimed(id string) string {
	if id == "" {
		return "a source"
	}
	return cmp.Or(t.Users[id], "Cairn")
}

// claimants says who claimed it, and who looked at that.
func (t lossView) claimants(l outcome.Leaver) string {
	if l.Said.AuditedBy == "" {
		return " (" + t.claimed(l.Said.ClaimedBy) + ")"
	}
	return fmt.Sprintf(" (%s, audited by %s)", t.claimed(l.Said.ClaimedBy), t.claimed(l.Said.AuditedBy))
}

// mayAudit reports whether who looks may audit the claim: others' claims only.
func mayAudit(v View, l outcome.Leaver) bool {
	return l.Said.Waits() && l.Said.Evidence != "" && l.Said.ClaimedBy != v.Actor().ID
}

// A lossTold is the form that asks why a customer left.
type lossTold struct {
	Account  cairn.Account
	Loss     outcome.Leaver
	Currency string
	Reasons  outcome.Reasons
	Said     outcome.LossSaying
	Back     string
	Problem  *cairn.Error
	Asked    cairn.Day // today
}

// oneLoss reads from a form or address which loss is meant.
func (s *site) oneLoss(r *http.Request, v View) (lossTold, outcome.LossReport, error) {
	t := lossTold{Back: local(cmp.Or(r.FormValue("back"), "/revenue/losses"))}
	text := strings.TrimSpace(r.FormValue("account"))
	id := cairn.AccountID{}
	raw, err := cairn.ParseID(text)
	if id.ID = raw; err != nil {
		if id, err = s.Accounts.Find(r.Context(), v.Scope(), text); err != nil {
			return t, outcome.LossReport{}, err
		}
	}
	if t.Account, err = s.Accounts.Account(r.Context(), v.Scope(), id); err != nil {
		return t, outcome.LossReport{}, err
	}
	on := cairn.Day(0)
	if text := r.FormValue("on"); text != "" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return t, outcome.LossReport{}, cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2026-03-01 is needed.", shorten(text, 40)).At("on")
		}
		on = cairn.DayOf(day, time.UTC)
	}
	rep, err := s.Losses.Of(r.Context(), id, outcome.LossQuery{Query: revenue.Query{Policy: r.FormValue("policy")}})
	if err != nil {
		return t, rep, err
	}
	t.Currency, t.Reasons, t.Asked = rep.Currency, rep.Reasons, rep.Today
	t.Loss, err = rep.Loss(on)
	return t, rep, err
}

func (s *site) lossForm(w http.ResponseWriter, r *http.Request, v View) error {
	t, _, err := s.oneLoss(r, v)
	if err != nil {
		return err
	}
	was := t.Loss.Said
	t.Said = outcome.LossSaying{Reason: was.Reason, Detail: was.Detail, Unavoidable: was.Unavoidable, Evidence: was.Evidence}
	if was.Asked != 0 {
		t.Said.Asked = was.Asked.String()
	}
	return s.render(w, r, v, t.page(), lossFormPage(v, t))
}

func (t lossTold) page() Page {
	return Page{Title: "Why " + t.Account.Name + " left", Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Losses", t.Back}}}
}

// sayLoss writes down why a customer left.
func (s *site) sayLoss(w http.ResponseWriter, r *http.Request, v View) error {
	t, rep, err := s.oneLoss(r, v)
	if err != nil {
		return err
	}
	form := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	t.Said = outcome.LossSaying{Reason: form("reason"), Detail: form("detail"), Unavoidable: form("unavoidable") != "", Evidence: form("evidence"), Asked: form("asked_on")}
	p, err := t.Loss.Say(t.Said, t.Reasons, rep.Today, v.Actor())
	if err == nil {
		err = s.tellLoss(r, v, t, p)
	}
	if err != nil {
		if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.TooLarge && k != cairn.Conflict {
			return err
		}
		t.Problem = asError(err)
		return s.write(w, r, http.StatusUnprocessableEntity, frame(v, t.page(), lossFormPage(v, t)))
	}
	return s.lossDone(w, r, t, p)
}

func (s *site) auditLoss(w http.ResponseWriter, r *http.Request, v View) error {
	t, _, err := s.oneLoss(r, v)
	if err != nil {
		return err
	}
	p, err := t.Loss.Audit(r.PostFormValue("verdict"), v.Actor())
	if err != nil {
		return err
	}
	if err := s.tellLoss(r, v, t, p); err != nil {
		return err
	}
	return s.lossDone(w, r, t, p)
}

func (s *site) undoLoss(w http.ResponseWriter, r *http.Request, v View) error {
	t, _, err := s.oneLoss(r, v)
	if err != nil {
		return err
	}
	p, ok := t.Loss.Undo(v.Actor())
	if !ok {
		return cairn.Errorf(cairn.NotFound, "Nobody wrote anything down about this loss that could be taken back.")
	}
	if err := s.tellLoss(r, v, t, p); err != nil {
		return err
	}
	return s.lossDone(w, r, t, p)
}

// tellLoss sends what is said of a loss in at the front door, unless somebody
// said something else since the page was made.
func (s *site) tellLoss(r *http.Request, v View, t lossTold, p outcome.LossPatch) error {
	version := strconv.FormatInt(t.Loss.Said.Version(), 10)
	if seen := r.PostFormValue("version"); seen != "" && seen != version {
		return cairn.Errorf(cairn.Conflict, "Somebody wrote something else down about this loss meanwhile, so nothing was changed. Look at it and save again.")
	}
	return s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfLoss, Name: p.Verb, ID: p.Key + "/" + p.Verb + "/" + version, At: v.Now,
		Keys: cairn.Keys{Account: t.Account.Key, Record: p.Key}, In: t.Account.Space, Props: p.Fields,
	})
}

// lossDone leads back to where one came from, which says what was done.
func (s *site) lossDone(w http.ResponseWriter, r *http.Request, t lossTold, p outcome.LossPatch) error {
	u, err := url.Parse(t.Back)
	if err != nil {
		u = &url.URL{Path: "/revenue/losses"}
	}
	if u.Path == "/revenue/losses" {
		q := u.Query()
		q.Set("did", p.Verb)
		q.Set("account", t.Account.ID.String())
		q.Set("name", t.Account.Name)
		q.Set("on", t.Loss.On.String())
		u.RawQuery = q.Encode()
	}
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
	return nil
}

// An accountLoss is the loss of an account, on its page.
type accountLoss struct {
	outcome.Leaver
	Currency string
	Title    string
}

// accountLoss returns how an account was lost that pays nothing any more; nil
// where it was not.
func (s *site) accountLoss(ctx context.Context, a cairn.Account) (*accountLoss, error) {
	if s.Losses == nil || a.Status != cairn.Churned && a.MRR.Minor > 0 {
		return nil, nil
	}
	r, err := s.Losses.Of(ctx, a.ID, outcome.LossQuery{})
	if err != nil || len(r.Losses) == 0 || r.Losses[0].Back != 0 {
		return nil, err
	}
	l := r.Losses[0]
	return &accountLoss{l, r.Currency, r.Reasons.Title(l.Said.Reason)}, nil
}

// A reasonsView is the page of the reasons that can be chosen.
type reasonsView struct {
	Reasons outcome.Reasons
	Rev     int
	Note    string
	Problem *cairn.Error
	Saved   bool
}

// emptyReasons is how many rows the form has for reasons that are new.
const emptyReasons = 3

// rows are the reasons, and room for more.
func (t reasonsView) rows() outcome.Reasons {
	return append(t.Reasons[:len(t.Reasons):len(t.Reasons)], make(outcome.Reasons, emptyReasons)...)
}

var reasonsPage = Page{Title: "Reasons", Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Losses", "/revenue/losses"}}}

func (s *site) lossReasons(w http.ResponseWriter, r *http.Request, v View) error {
	t := reasonsView{Saved: r.FormValue("saved") != ""}
	var err error
	if t.Reasons, t.Rev, err = s.Losses.Reasons(r.Context()); err != nil {
		return err
	}
	return s.render(w, r, v, reasonsPage, lossReasonsPage(v, t))
}

// setLossReasons writes the list down as the form says: rows without a title
// are left out, and one without a key is new.
func (s *site) setLossReasons(w http.ResponseWriter, r *http.Request, v View) error {
	t := reasonsView{Note: strings.TrimSpace(r.PostFormValue("note"))}
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "The form is not whole. Open the page again.").At("rev")
	}
	t.Rev = rev
	n := len(r.PostForm["title"])
	at := func(name string, i int) string {
		if all := r.PostForm[name]; i < len(all) {
			return strings.TrimSpace(all[i])
		}
		return ""
	}
	for i := range n {
		one := outcome.Reason{Key: at("key", i), Title: at("title", i), Group: at("group", i), Unavoidable: at("unavoidable", i) == "yes", Words: commaList(at("words", i))}
		if one.Title == "" {
			continue
		}
		if one.Key == "" {
			one.Key = keyOf(one.Title)
		}
		t.Reasons = append(t.Reasons, one)
	}
	if _, err = s.Losses.SetReasons(r.Context(), v.Actor(), t.Reasons, t.Rev, t.Note); err == nil {
		http.Redirect(w, r, "/revenue/losses/reasons?saved=1", http.StatusSeeOther)
		return nil
	}
	if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.Conflict {
		return err
	}
	t.Problem = asError(err)
	return s.write(w, r, http.StatusUnprocessableEntity, frame(v, reasonsPage, lossReasonsPage(v, t)))
}

func commaList(text string) []string {
	var out []string
	for _, w := range strings.Split(text, ",") {
		if w = strings.TrimSpace(w); w != "" {
			out = append(out, w)
		}
	}
	return out
}

// keyOf makes a key of a title.
func keyOf(title string) string {
	key := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, strings.ToLower(title))
	for strings.Contains(key, "__") {
		key = strings.ReplaceAll(key, "__", "_")
	}
	return strings.Trim(key[:min(len(key), 60)], "_")
}

// earlyText marks a loss within 90 days of the sale.
const earlyText = "within 90 days"

// lossLength says for how long one was a customer.
func lossLength(l outcome.Leaver) string {
	n := int(ledger.MonthOf(l.On) - ledger.MonthOf(l.Since))
	if n < 1 {
		return fmt.Sprintf("%d days", l.On-l.Since)
	}
	return fmt.Sprintf("%d months", n)
}

// ofValue leads to the losses of one value of the dimension.
func (t lossView) ofValue(value string) string {
	q := t.query("reason", t.Reason, "only", t.Only)
	q.Set("value", value) // the empty one too
	return addressOf("/revenue/losses", q)
}

// these leads to the losses of one reason, or of one value of the dimension,
// of one kind.
func (t lossView) these(head, key, only string) string {
	q := t.query("reason", "", "only", only)
	switch {
	case head != "Reason":
		q.Set("value", key) // the empty one too
	case key == "":
		q.Set("only", "open")
	default:
		q.Set("reason", key)
	}
	if head == "Reason" && t.Value != nil {
		q.Set("value", *t.Value)
	}
	return addressOf("/revenue/losses", q)
}

// wrong reports whether a field of the form must be corrected.
func (t lossTold) wrong(field string) bool { return t.Problem != nil && t.Problem.Field == field }

// groups are those of the reasons, in the list's order.
func (t lossTold) groups() []string {
	var out []string
	for _, r := range t.Reasons {
		if g := cmp.Or(r.Group, "Others"); !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out
}

// unavoidable names the reasons that may be called so.
func (t lossTold) unavoidable() string {
	var out []string
	for _, r := range t.Reasons {
		if r.Unavoidable {
			out = append(out, "“"+r.Title+"”")
		}
	}
	return cmp.Or(strings.Join(out, " and "), "nothing on the list")
}
