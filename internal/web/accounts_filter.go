package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
)

// An accountsFilter is what the address of the accounts list says. Whoever
// opens the same address sees the same view; what an address says that is not
// known is left out, so that an old link still opens.
type accountsFilter struct {
	Search  string
	Owner   string // address; "-" is nobody's
	Status  cairn.Status
	Way     cairn.Way
	Band    string // a key of accountsBands
	Renews  int    // within so many days
	Sort    string // one of account.Sorts, with "-" the other way round; empty: name
	Columns []string
	Cursor  string
	Then    cairn.Day       // as of the end of this day; 0: as they stand
	Family  cairn.AccountID // this one and all below it; zero: all
	Metric  metricFilter
}

// An accountsBand is a range of levels that people speak of.
type accountsBand struct {
	Key, Label   string
	Above, Below int // at or over Above, under Below; Below 0: no end
}

var accountsBands = []accountsBand{
	{"low", "Under 40", 0, 40},
	{"middle", "40 to 69", 40, 70},
	{"high", "70 and over", 70, 0},
}

// accountsPageSize is how many rows a page of the list has.
const accountsPageSize = 50

// accountsRenewals are the spans, in days, that the renewal filter offers.
var accountsRenewals = []int{30, 60, 90, 180}

// An accountsColumn is one column of the list.
type accountsColumn struct {
	Key, Label string
	Sort       string // one of account.Sorts; empty: cannot be sorted by
	Desc       bool   // the first click sorts downwards
	Right      bool   // figures
}

var accountsNameColumn = accountsColumn{Key: "name", Label: "Account", Sort: "name"}

// accountsColumns are all columns in the order in which they stand. The name
// is always shown and stands before them.
var accountsColumns = []accountsColumn{
	{Key: "level", Label: "Level", Sort: "level"},
	{Key: "trail", Label: "13 weeks"},
	{Key: "slope", Label: "Per 30 days", Sort: "slope", Right: true},
	{Key: "mrr", Label: "MRR", Sort: "mrr", Desc: true, Right: true},
	{Key: "renews", Label: "Renews", Sort: "renews", Right: true},
	{Key: "owner", Label: "Owner", Sort: "owner"},
	{Key: "last_seen", Label: "Last active", Sort: "last_seen", Desc: true, Right: true},
	{Key: "tasks", Label: "Tasks", Right: true},
	{Key: "status", Label: "Status", Sort: "status"},
	{Key: "first", Label: "Known since", Sort: "first", Right: true},
	{Key: "key", Label: "Id"},
}

// accountsDefault are the columns of somebody who has chosen none.
var accountsDefault = []string{"level", "trail", "mrr", "renews", "owner", "last_seen", "tasks", "status"}

// accountsColumnsCookie keeps the columns that a browser chose last.
const accountsColumnsCookie = "cairn_accounts_columns"

func readAccountsFilter(v url.Values) accountsFilter {
	f := accountsFilter{
		Search:  strings.TrimSpace(v.Get("q")),
		Owner:   strings.TrimSpace(v.Get("owner")),
		Cursor:  v.Get("cursor"),
		Columns: readAccountsColumns(strings.Join(v["col"], ",")),
		Metric:  readMetricFilter(v),
	}
	if id, err := cairn.ParseID(v.Get("family")); err == nil {
		f.Family = cairn.AccountID{ID: id}
	}
	if s := cairn.Status(v.Get("status")); slices.Contains(cairn.Statuses, s) {
		f.Status = s
	}
	switch w := cairn.Way(v.Get("way")); w {
	case cairn.Rising, cairn.Steady, cairn.Falling, cairn.Unknown:
		f.Way = w
	}
	if _, ok := accountsBandOf(v.Get("band")); ok {
		f.Band = v.Get("band")
	}
	if n, err := strconv.Atoi(v.Get("renews")); err == nil && n > 0 && n <= 3660 {
		f.Renews = n
	}
	if t, err := time.Parse(time.DateOnly, v.Get("at")); err == nil {
		f.Then = cairn.DayOf(t, time.UTC)
	}
	if s := v.Get("sort"); s != "name" && slices.Contains(account.Sorts, strings.TrimPrefix(s, "-")) {
		f.Sort = s
	} else if _, ok := account.SortMetric(s); ok {
		f.Sort = s
	}
	return f
}

// readAccountsColumns reads keys separated by commas or dots, in the order of
// accountsColumns and then those of metrics, and leaves out what is not a
// column.
func readAccountsColumns(s string) []string {
	named := strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == '.' })
	var out []string
	for _, c := range accountsColumns {
		if slices.Contains(named, c.Key) {
			out = append(out, c.Key)
		}
	}
	for _, key := range named {
		if _, ok := metricOfColumn(key); ok && !slices.Contains(out, key) {
			out = append(out, key)
		}
	}
	return out
}

func accountsBandOf(key string) (accountsBand, bool) {
	i := slices.IndexFunc(accountsBands, func(b accountsBand) bool { return b.Key == key })
	if i < 0 {
		return accountsBand{}, false
	}
	return accountsBands[i], true
}

// values is the inverse of readAccountsFilter.
func (f accountsFilter) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", f.Search)
	set("owner", f.Owner)
	if !f.Family.IsZero() {
		set("family", f.Family.String())
	}
	set("status", string(f.Status))
	set("way", string(f.Way))
	set("band", f.Band)
	if f.Renews > 0 {
		set("renews", strconv.Itoa(f.Renews))
	}
	if f.Then != 0 {
		set("at", f.Then.String())
	}
	if f.Metric.bounds() != nil {
		set("metric", f.Metric.Name)
		set("least", numberText(f.Metric.Least))
		set("most", numberText(f.Metric.Most))
	}
	set("sort", f.Sort)
	set("col", strings.Join(f.Columns, "."))
	set("cursor", f.Cursor)
	return v
}

// address is where the list with this filter lives.
func (f accountsFilter) address() string { return addressOf("/accounts", f.values()) }

// export is where its rows can be had as CSV, all of them.
func (f accountsFilter) export() string {
	f.Cursor = ""
	return addressOf("/accounts.csv", f.values())
}

func addressOf(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// at returns f at another page of the same list.
func (f accountsFilter) at(cursor string) accountsFilter {
	f.Cursor = cursor
	return f
}

// sorted returns f sorted by c: its first direction, and on the second click
// the other.
func (f accountsFilter) sorted(c accountsColumn) accountsFilter {
	first, second := c.Sort, "-"+c.Sort
	if c.Desc {
		first, second = second, first
	}
	if f.order() == first {
		first = second
	}
	if first == "name" {
		first = ""
	}
	f.Sort, f.Cursor = first, ""
	return f
}

// order is the sort in force.
func (f accountsFilter) order() string {
	if f.Sort == "" {
		return "name"
	}
	return f.Sort
}

// ariaSort says how the list is sorted by c, as aria-sort wants it.
func (f accountsFilter) ariaSort(c accountsColumn) string {
	switch {
	case c.Sort == "":
		return ""
	case f.order() == c.Sort:
		return "ascending"
	case f.order() == "-"+c.Sort:
		return "descending"
	}
	return "none"
}

// narrowed reports whether f leaves accounts out.
func (f accountsFilter) narrowed() bool {
	return f.Search != "" || f.Owner != "" || f.Status != "" || f.Way != "" || f.Band != "" || f.Renews > 0 || !f.Family.IsZero() || f.Metric.bounds() != nil
}

// cleared returns f without what leaves accounts out, keeping sort and columns.
func (f accountsFilter) cleared() accountsFilter {
	return accountsFilter{Sort: f.Sort, Columns: f.Columns, Then: f.Then}
}

// orderWord says what the list is sorted by.
func (av accountsView) orderWord() string {
	f := av.Filter
	for _, c := range append([]accountsColumn{accountsNameColumn}, av.Offered()...) {
		switch f.order() {
		case c.Sort:
			return strings.ToLower(c.Label) + ", ascending"
		case "-" + c.Sort:
			return strings.ToLower(c.Label) + ", descending"
		}
	}
	return f.order()
}

// query is what f asks of the store at now in zone z.
func (f accountsFilter) query(now time.Time, z *time.Location) account.Query {
	q := account.Query{
		Search: f.Search, Owner: f.Owner, Status: f.Status, Way: f.Way,
		Sort: f.Sort, Cursor: f.Cursor, Family: f.Family, Limit: accountsPageSize, Where: f.Metric.bounds(),
	}
	if b, ok := accountsBandOf(f.Band); ok {
		if b.Above > 0 {
			q.Above = &b.Above
		}
		if b.Below > 0 {
			q.Below = &b.Below
		}
	}
	if f.Renews > 0 {
		q.RenewsBy = (cairn.DayOf(now, z) + cairn.Day(f.Renews)).End(z)
	}
	return q
}

// columns are those that are shown of the ones there are: of the address, else
// of the cookie, else the default.
func (f accountsFilter) columns(r *http.Request, all []accountsColumn) []accountsColumn {
	chosen := f.Columns
	if len(chosen) == 0 {
		if c, err := r.Cookie(accountsColumnsCookie); err == nil {
			chosen = readAccountsColumns(c.Value)
		}
	}
	if len(chosen) == 0 {
		chosen = accountsDefault
	}
	var out []accountsColumn
	for _, c := range all {
		if slices.Contains(chosen, c.Key) {
			out = append(out, c)
		}
	}
	return out
}

// An accountsChoice is one value that a filter can be set to.
type accountsChoice struct{ Key, Label string }

// accountsOwnerChoices are all owners there are, and nobody.
func accountsOwnerChoices(v View, av accountsView) []accountsChoice {
	var out []accountsChoice
	owners := slices.Sorted(slices.Values(av.All.Owners))
	if f := av.Filter.Owner; f != "" && f != "-" && !slices.Contains(owners, f) {
		owners = append(owners, f)
	}
	for _, o := range owners {
		switch o {
		case "", "-":
		case v.Session.User.Mail:
			out = append([]accountsChoice{{o, "Mine"}}, out...)
		default:
			out = append(out, accountsChoice{o, personName(o)})
		}
	}
	return append(out, accountsChoice{"-", "Nobody's"})
}

func accountsStatusChoices() []accountsChoice {
	var out []accountsChoice
	for _, s := range cairn.Statuses {
		out = append(out, accountsChoice{string(s), accountStatusWord(s)})
	}
	return out
}

func accountsWayChoices() []accountsChoice {
	var out []accountsChoice
	for _, w := range []cairn.Way{cairn.Falling, cairn.Steady, cairn.Rising, cairn.Unknown} {
		out = append(out, accountsChoice{string(w), accountWayWord(w)})
	}
	return out
}

func accountsBandChoices() []accountsChoice {
	var out []accountsChoice
	for _, b := range accountsBands {
		out = append(out, accountsChoice{b.Key, "Level " + strings.ToLower(b.Label)})
	}
	return out
}

// accountsRenewChoices are the usual spans, and the one in force.
func accountsRenewChoices(inForce int) []accountsChoice {
	spans := slices.Clone(accountsRenewals)
	if inForce > 0 && !slices.Contains(spans, inForce) {
		spans = append(spans, inForce)
		slices.Sort(spans)
	}
	var out []accountsChoice
	for _, n := range spans {
		out = append(out, accountsChoice{accountsRenewsKey(n), "Renews in " + strconv.Itoa(n) + " days"})
	}
	return out
}

func accountsRenewsKey(days int) string {
	if days <= 0 {
		return ""
	}
	return strconv.Itoa(days)
}

// accountStatusWord is how people read a status.
func accountStatusWord(s cairn.Status) string {
	switch s {
	case cairn.Lead:
		return "Lead"
	case cairn.Trial:
		return "Trial"
	case cairn.Customer:
		return "Customer"
	case cairn.Churned:
		return "Churned"
	case cairn.Ignored:
		return "Ignored"
	case "":
		return "Unknown"
	}
	return string(s)
}

// accountWayWord is how people read a way.
func accountWayWord(w cairn.Way) string {
	switch w {
	case cairn.Rising:
		return "Rising"
	case cairn.Steady:
		return "Steady"
	case cairn.Falling:
		return "Falling"
	}
	return "Too early to tell"
}
