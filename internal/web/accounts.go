package web

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/usage"
)

// An accountsView is the accounts list as one address shows it.
type accountsView struct {
	Filter  accountsFilter
	Columns []accountsColumn
	Totals  account.Totals // of what the filter leaves
	All     account.Totals // of everything the actor may see
	Page    account.Page
	Metrics []usage.Metric // that can be shown and filtered by
}

func (s *site) accountRoutes(mux *http.ServeMux) {
	mux.Handle("GET /accounts", s.page(s.accountsList))
	mux.Handle("GET /accounts.csv", s.page(s.accountsExport))
	mux.Handle("POST /accounts/columns", s.page(s.accountsChooseColumns))
	mux.Handle("GET /accounts/{id}", s.page(s.account))
	mux.Handle("GET /accounts/{id}/live", s.page(s.accountLive))
	mux.Handle("POST /accounts/{id}/interactions", s.page(s.accountWrite))
}

func (s *site) accountsList(w http.ResponseWriter, r *http.Request, v View) error {
	now := v
	av, err := s.accountsView(r, &v)
	if err != nil {
		return err
	}
	switch partOf(r) {
	case "accounts-more":
		return s.write(w, r, http.StatusOK, accountsRows(v, av))
	case "accounts-results":
		w.Header().Set("HX-Replace-Url", av.Filter.at("").address())
		return s.write(w, r, http.StatusOK, accountsPart(v, av))
	}
	return s.render(w, r, v, Page{Title: "Accounts", Active: "accounts", Wide: true, Date: accountsDate(now, av)}, accountsPage(v, av))
}

// partOf names the part of the page that htmx is about to replace; empty when
// the whole page is wanted.
func partOf(r *http.Request) string {
	if r.Header.Get("HX-Request") != "true" || r.Header.Get("HX-History-Restore-Request") == "true" {
		return ""
	}
	return r.Header.Get("HX-Target")
}

// accountsView reads the list that the address names. When that is a list of
// the past, v's now becomes the moment that it shows.
func (s *site) accountsView(r *http.Request, v *View) (accountsView, error) {
	ctx, f := r.Context(), readAccountsFilter(r.URL.Query())
	list := s.accountsThen(&f, v)
	metrics, err := s.definedMetrics(ctx)
	if err != nil {
		return accountsView{}, err
	}
	out := accountsView{Filter: f, Metrics: metrics, Columns: f.columns(r, offered(metrics))}
	q := f.query(v.Now, v.Zone)
	q.Metrics = metricsShown(out.Columns)
	if out.Page, err = list.Accounts(ctx, v.Scope(), q); err != nil {
		return out, err
	}
	if out.All, err = list.Totals(ctx, v.Scope(), account.Query{}); err != nil {
		return out, err
	}
	out.Totals = out.All
	if f.narrowed() {
		q.Cursor = ""
		out.Totals, err = list.Totals(ctx, v.Scope(), q)
	}
	return out, err
}

// accountsChooseColumns keeps the chosen columns in the browser and shows the
// list with them.
func (s *site) accountsChooseColumns(w http.ResponseWriter, r *http.Request, v View) error {
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "This form cannot be read.").Because(err)
	}
	back, _ := url.ParseQuery(r.PostFormValue("view"))
	f := readAccountsFilter(back)
	f.Columns = readAccountsColumns(strings.Join(r.PostForm["col"], ","))
	if r.PostFormValue("usual") != "" || len(f.Columns) == 0 {
		f.Columns = nil
	}
	http.SetCookie(w, &http.Cookie{
		Name: accountsColumnsCookie, Value: strings.Join(f.Columns, "."), Path: "/accounts",
		MaxAge: 365 * 24 * 3600, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, f.address(), http.StatusSeeOther)
	return nil
}

// accountsExport writes every account of the view as CSV, page by page, so
// that its size does not matter. Whatever fails after the first row ends the
// connection, so that half a file is never taken for a whole one.
func (s *site) accountsExport(w http.ResponseWriter, r *http.Request, v View) error {
	f := readAccountsFilter(r.URL.Query())
	list := s.accountsThen(&f, &v)
	metrics, err := s.definedMetrics(r.Context())
	if err != nil {
		return err
	}
	q := f.at("").query(v.Now, v.Zone)
	q.Limit, q.Metrics = 500, metricsShown(f.columns(r, offered(metrics)))
	page, err := list.Accounts(r.Context(), v.Scope(), q)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8")
	h.Set("Content-Disposition", `attachment; filename="accounts-`+v.Today().String()+`.csv"`)
	if r.Method == http.MethodHead {
		return nil
	}
	out := csv.NewWriter(w)
	out.Write(append(accountsExportHeader[:len(accountsExportHeader):len(accountsExportHeader)], signalNames(q.Metrics)...))
	for {
		for _, a := range page.Accounts {
			out.Write(accountsExportRow(a, v.Zone, q.Metrics))
		}
		if page.Next == "" {
			break
		}
		q.Cursor = page.Next
		if page, err = list.Accounts(r.Context(), v.Scope(), q); err != nil {
			s.Log.Error("export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
	}
	out.Flush()
	return nil
}

var accountsExportHeader = []string{
	"id", "key", "name", "domain", "owner", "status", "level", "way", "slope_30d",
	"mrr", "currency", "renews", "last_active", "open_tasks", "known_since",
}

// accountsExportRow is a row of the export. Numbers and dates are written
// plainly, for machines; what is not known is empty.
func accountsExportRow(a cairn.Account, z *time.Location, metrics []string) []string {
	level, slope := "", ""
	if a.Vector.Known {
		level, slope = a.Vector.Level.String(), a.Vector.Slope.String()
	}
	amount, currency, _ := strings.Cut(a.MRR.String(), " ")
	if a.MRR.Currency == "" {
		amount, currency = "", ""
	}
	row := []string{
		a.ID.String(), safeCell(a.Key), safeCell(a.Name), safeCell(a.Domain), safeCell(a.Owner), string(a.Status),
		level, string(a.Vector.Way), slope, amount, currency,
		dateCell(a.Renews, z), dateCell(a.LastSeen, z), strconv.Itoa(a.OpenTasks), dateCell(a.First, z),
	}
	for _, name := range signalNames(metrics) {
		cell := ""
		if n, ok := a.Signals.Number(name); ok {
			cell = strconv.FormatFloat(n, 'f', -1, 64)
		}
		row = append(row, cell)
	}
	return row
}

// signalNames are the signals that metrics are measured as.
func signalNames(metrics []string) []string {
	out := make([]string, len(metrics))
	for i, m := range metrics {
		out[i] = "metric." + m
	}
	return out
}

// safeCell returns text that a spreadsheet will not take for a formula: what
// begins like one gets an apostrophe in front, which spreadsheets do not show.
func safeCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n|%", rune(s[0])) {
		return "'" + s
	}
	return s
}

func dateCell(t time.Time, z *time.Location) string {
	if t.IsZero() {
		return ""
	}
	return t.In(z).Format(time.DateOnly)
}

// A accountsPreset is a view that most people want every day.
type accountsPreset struct {
	Label  string
	Filter accountsFilter
}

// accountsPresets are offered to somebody with this address.
func accountsPresets(mail string) []accountsPreset {
	return []accountsPreset{
		{"All", accountsFilter{}},
		{"Mine", accountsFilter{Owner: mail}},
		{"Falling", accountsFilter{Way: cairn.Falling, Sort: "level"}},
		{"Low", accountsFilter{Band: "low", Sort: "level"}},
		{"Renew in 90 days", accountsFilter{Renews: 90, Sort: "renews"}},
		{"Nobody's", accountsFilter{Owner: "-"}},
	}
}

// is reports whether f shows the same accounts in the same order as g.
func (f accountsFilter) is(g accountsFilter) bool {
	f.Columns, f.Cursor, g.Columns, g.Cursor = nil, "", nil, ""
	f.Then = 0
	return f.values().Encode() == g.values().Encode()
}

// shows reports whether a column is among those shown.
func (av accountsView) shows(key string) bool {
	return slices.ContainsFunc(av.Columns, func(c accountsColumn) bool { return c.Key == key })
}

// An accountsPhrase is one part of the sentence over the list.
type accountsPhrase struct{ Text, Class string }

// accountsPhrases say how many there are, how many fall and rise, and what
// they pay: "12 of 200 accounts, 3 falling, 41,200 € a month."
func accountsPhrases(v View, av accountsView) []accountsPhrase {
	t := av.Totals
	first := v.several(t.Accounts, "account", "accounts")
	if av.Filter.narrowed() {
		first = v.Count(int64(t.Accounts)) + " of " + v.several(av.All.Accounts, "account", "accounts")
	}
	out := []accountsPhrase{{first, "strong"}}
	if t.Falling > 0 {
		out = append(out, accountsPhrase{v.Count(int64(t.Falling)) + " falling", "way-falling"})
	}
	if t.Rising > 0 {
		out = append(out, accountsPhrase{v.Count(int64(t.Rising)) + " rising", "way-rising"})
	}
	if m := accountsMRR(v, t); m != "" {
		out = append(out, accountsPhrase{m + " of recurring revenue a month", ""})
	}
	for i := range out {
		out[i].Text += ","
	}
	last := &out[len(out)-1].Text
	*last = strings.TrimSuffix(*last, ",") + "."
	return out
}

// accountsMRR is the recurring revenue of a month, one amount per currency.
func accountsMRR(v View, t account.Totals) string {
	var out []string
	for _, c := range sortedKeys(t.MRR) {
		if n := t.MRR[c]; n != 0 {
			out = append(out, v.Money(cairn.Money{Minor: n, Currency: c}))
		}
	}
	return strings.Join(out, " and ")
}

// accountRenewalText says how far the renewal is: "in 34 days", "12 days ago".
func accountRenewalText(v View, t time.Time) string { return v.DayAgo(t) }

// accountRenewalLook marks what renews within 30 days and what is past.
func accountRenewalLook(v View, a cairn.Account) string {
	switch days := cairn.DayOf(a.Renews, v.Zone) - v.Today(); {
	case a.Status == cairn.Churned || a.Status == cairn.Ignored:
		return "dim"
	case days < 0:
		return "past"
	case days <= 30:
		return "near"
	}
	return ""
}

// accountStatusLook colours a status; a plain customer needs no colour.
func accountStatusLook(s cairn.Status) string {
	switch s {
	case cairn.Trial, cairn.Lead:
		return "accent"
	case cairn.Churned:
		return "bad"
	}
	return ""
}
