package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

func (s *site) rejectRoutes(mux *http.ServeMux) {
	if s.Rejects == nil {
		return
	}
	mux.Handle("GET /sources/{name}/rejects", s.page(s.rejects))
	mux.Handle("POST /sources/{name}/rejects", s.page(s.changeRejects))
	mux.Handle("GET /sources/{name}/rejects/patch", s.page(s.rejectPatch))
	mux.Handle("POST /sources/{name}/rejects/patch", s.page(s.patchRejects))
	mux.Handle("GET /sources/{name}/rejects/{id}", s.page(s.reject))
	mux.Handle("POST /sources/{name}/rejects/{id}", s.page(s.changeReject))
}

// rejectsPage is how many rejects a page lists.
const rejectsPageSize = 50

// A rejectFilter is which rejects of a source are looked at, as the address
// says it.
type rejectFilter struct {
	Source, State, Code, Field, From, To, Text string
	Before                                     int64
}

func rejectFilterOf(r *http.Request) rejectFilter {
	f := rejectFilter{
		Source: r.PathValue("name"), State: r.FormValue("state"), Code: r.FormValue("code"), Field: r.FormValue("field"),
		From: r.FormValue("from"), To: r.FormValue("to"), Text: strings.TrimSpace(r.FormValue("text")),
	}
	f.Before, _ = strconv.ParseInt(r.FormValue("before"), 10, 64)
	switch ingest.RejectState(f.State) {
	case ingest.RejectReplayed, ingest.RejectDismissed:
	default:
		f.State = string(ingest.RejectOpen)
	}
	return f
}

// query is the filter as the store understands it. Days are those of the
// workspace; the last one is included.
func (f rejectFilter) query(v View) (ingest.RejectQuery, error) {
	q := ingest.RejectQuery{Source: f.Source, State: ingest.RejectState(f.State), Code: f.Code, Field: f.Field, Text: f.Text, Before: f.Before, Limit: rejectsPageSize}
	for _, d := range []struct {
		name, text string
		to         *time.Time
		add        int
	}{{"from", f.From, &q.From, 0}, {"to", f.To, &q.To, 1}} {
		if d.text == "" {
			continue
		}
		t, err := time.ParseInLocation(time.DateOnly, d.text, v.Zone)
		if err != nil {
			return q, cairn.Errorf(cairn.Invalid, "“%s” is not a day such as 2026-03-01.", d.text).At(d.name)
		}
		*d.to = t.AddDate(0, 0, d.add).UTC()
	}
	return q, nil
}

// values are the filter as the fields of a form or an address.
func (f rejectFilter) values() url.Values {
	v := url.Values{}
	for name, text := range map[string]string{"state": f.State, "code": f.Code, "field": f.Field, "from": f.From, "to": f.To, "text": f.Text} {
		if text != "" && !(name == "state" && text == string(ingest.RejectOpen)) {
			v.Set(name, text)
		}
	}
	return v
}

// Narrowed reports whether the filter leaves anything of the state out.
func (f rejectFilter) narrowed() bool {
	return f.Code != "" || f.Field != "" || f.From != "" || f.To != "" || f.Text != ""
}

func (f rejectFilter) base() string { return "/sources/" + f.Source + "/rejects" }

// address is the list as f says.
func (f rejectFilter) address() string { return withQuery(f.base(), f.values()) }

func (f rejectFilter) in(state ingest.RejectState) string {
	f.State, f.Before = string(state), 0
	return f.address()
}

func (f rejectFilter) reason(c ingest.RejectCount) string {
	return rejectFilter{Source: f.Source, Code: c.Code, Field: c.Field}.address()
}

func (f rejectFilter) older(last int64) string {
	v := f.values()
	v.Set("before", strconv.FormatInt(last, 10))
	return withQuery(f.base(), v)
}

func withQuery(path string, v url.Values) string {
	if len(v) == 0 {
		return path
	}
	return path + "?" + v.Encode()
}

// A rejectsView is the list of what a source sent and was refused.
type rejectsView struct {
	Source  ingest.Summary
	Filter  rejectFilter
	Counts  []ingest.RejectCount
	Rejects []ingest.Reject
	Total   int64 // that the filter finds
	Done    string
}

// Sum adds the reasons up.
func (t rejectsView) Sum() (sum ingest.RejectCount) {
	for _, c := range t.Counts {
		sum.Refused += c.Refused
		sum.Replayed += c.Replayed
		sum.Dismissed += c.Dismissed
		sum.Evicted += c.Evicted
	}
	return sum
}

// Codes and Fields are what can be chosen in the filter.
func (t rejectsView) Codes() (out []string) {
	for _, c := range t.Counts {
		if !slices.Contains(out, c.Code) {
			out = append(out, c.Code)
		}
	}
	slices.Sort(out)
	return out
}

func (t rejectsView) Fields() (out []string) {
	for _, c := range t.Counts {
		if c.Field != "" && !slices.Contains(out, c.Field) {
			out = append(out, c.Field)
		}
	}
	slices.Sort(out)
	return out
}

// codeWords say a code as people do.
var codeWords = map[string]string{
	ingest.CodeMissing: "Something is missing", ingest.CodeJSON: "Not JSON", ingest.CodeType: "Unknown type", ingest.CodeText: "Not a text",
	ingest.CodeDate: "Not a date", ingest.CodeNumber: "Not a number", ingest.CodeValue: "Unknown value", ingest.CodeRange: "Out of range",
	ingest.CodePast: "Before 1970", ingest.CodeFuture: "In the future", ingest.CodeLong: "Too long", ingest.CodeLarge: "Too large",
	ingest.CodeUnknown: "Names something unknown", "contract": "Not as the contract says", "not_allowed": "The key may not", ingest.CodeInvalid: "Cannot be taken", "": "Cannot be taken",
}

func codeWord(code string) string {
	if w, ok := codeWords[code]; ok {
		return w
	}
	return strings.ReplaceAll(strings.ToUpper(code[:1])+code[1:], "_", " ")
}

func (s *site) rejectSource(r *http.Request, v View) (ingest.Summary, error) {
	name := r.PathValue("name")
	all, err := s.Sources.Summaries(r.Context(), v.Scope(), v.Now)
	if err != nil {
		return ingest.Summary{}, err
	}
	i := slices.IndexFunc(all, func(s ingest.Summary) bool { return s.Source.Name == name })
	if i < 0 {
		return ingest.Summary{}, cairn.Errorf(cairn.NotFound, "There is no source called “%s”.", name)
	}
	return all[i], nil
}

func (s *site) rejectsView(r *http.Request, v View) (t rejectsView, err error) {
	t.Filter = rejectFilterOf(r)
	t.Done = tallyText(v, r.FormValue("did"), r.Form)
	if t.Source, err = s.rejectSource(r, v); err != nil {
		return t, err
	}
	q, err := t.Filter.query(v)
	if err != nil {
		return t, err
	}
	if t.Rejects, err = s.Rejects.Refused(r.Context(), v.Scope(), q); err != nil {
		return t, err
	}
	if t.Total, err = s.Rejects.RefusedCount(r.Context(), v.Scope(), q); err != nil {
		return t, err
	}
	t.Counts, err = s.Rejects.RejectCounts(r.Context(), v.Scope(), t.Filter.Source)
	return t, err
}

func rejectCrumbs(name string, more ...Crumb) []Crumb {
	return append([]Crumb{{"Sources", "/sources"}, {name, "/sources/" + name}}, more...)
}

func (s *site) rejects(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.rejectsView(r, v)
	if err != nil {
		return err
	}
	p := Page{Title: "Rejected records", Active: "sources", Crumbs: rejectCrumbs(t.Filter.Source)}
	return s.render(w, r, v, p, rejectsPage(v, t))
}

// changeRejects replays, dismisses or opens again everything that the filter
// finds.
func (s *site) changeRejects(w http.ResponseWriter, r *http.Request, v View) error {
	f := rejectFilterOf(r)
	f.Before = 0
	q, err := f.query(v)
	if err != nil {
		return err
	}
	var t ingest.Tally
	did := r.PostFormValue("do")
	switch did {
	case "replay":
		t, err = s.Rejects.Replay(r.Context(), v.Actor(), q)
	case "dismiss":
		t, err = s.Rejects.Move(r.Context(), v.Actor(), q, ingest.RejectDismissed)
	case "reopen":
		t, err = s.Rejects.Move(r.Context(), v.Actor(), q, ingest.RejectOpen)
	default:
		err = cairn.Errorf(cairn.Invalid, "Rejected records can be replayed, dismissed or opened again.").At("do")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, withTally(f, did, t), http.StatusSeeOther)
	return nil
}

// withTally is the address of a list that says what was just done.
func withTally(f rejectFilter, did string, t ingest.Tally) string {
	u := f.values()
	u.Set("did", did)
	for name, n := range map[string]int64{"m": t.Matched, "c": t.Changed, "a": t.Accepted, "l": t.Late, "d": t.Duplicate, "r": t.Rejected} {
		if n > 0 {
			u.Set("n"+name, strconv.FormatInt(n, 10))
		}
	}
	return withQuery(f.base(), u)
}

// tallyText says what was just done, in a sentence.
func tallyText(v View, did string, form url.Values) string {
	n := func(name string) int64 { n, _ := strconv.ParseInt(form.Get("n"+name), 10, 64); return n }
	var parts []string
	part := func(k int64, what string) {
		if k > 0 {
			parts = append(parts, v.Count(k)+" "+what)
		}
	}
	switch did {
	case "replay", "mend-replay":
		part(n("a")+n("l"), "taken")
		part(n("d"), "there already, so nothing changed")
		part(n("r"), "refused again: they stay here with the reason")
	case "mend":
		part(n("c"), "mended")
		part(n("m")-n("c"), "as they were")
	case "dismiss":
		part(n("c"), "dismissed; they can be opened again under Dismissed")
	case "reopen":
		part(n("c"), "open again")
	default:
		return ""
	}
	if len(parts) == 0 {
		return "Nothing was found to do."
	}
	return strings.Join(parts, ", ") + "."
}

// A rejectView is one record that was refused.
type rejectView struct {
	Reject  ingest.Reject
	Verdict ingest.Verdict // what the door would say now
	Text    string         // in the editor
	Problem string         // with Text, when it could not be saved
}

// Rows is how high the editor is.
func (t rejectView) Rows() string {
	return strconv.Itoa(min(max(strings.Count(t.Text, "\n")+2, 8), 36))
}

// Cut reports whether the record was too large to be kept whole.
func (t rejectView) Cut() bool { return len(t.Reject.Body) >= ingest.MaxEvent }

func (s *site) rejectView(r *http.Request, v View) (t rejectView, err error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return t, cairn.Errorf(cairn.NotFound, "There is no such record.")
	}
	if t.Reject, err = s.Rejects.Reject(r.Context(), v.Scope(), id); err != nil {
		return t, err
	}
	if t.Reject.Source != r.PathValue("name") {
		return t, cairn.Errorf(cairn.NotFound, "There is no such record of this source.")
	}
	verdicts, err := s.Rejects.Check(r.Context(), []ingest.Reject{t.Reject})
	if err != nil {
		return t, err
	}
	t.Verdict, t.Text = verdicts[0], indented(t.Reject.Text())
	return t, nil
}

func (s *site) reject(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.rejectView(r, v)
	if err != nil {
		return err
	}
	return s.showReject(w, r, v, t)
}

func (s *site) showReject(w http.ResponseWriter, r *http.Request, v View, t rejectView) error {
	j := t.Reject
	p := Page{Title: fmt.Sprintf("Rejected record %d", j.ID), Active: "sources",
		Crumbs: rejectCrumbs(j.Source, Crumb{"Rejected records", "/sources/" + j.Source + "/rejects"})}
	return s.render(w, r, v, p, rejectPage(v, t))
}

// changeReject does one thing to one reject: save, replay, restore, dismiss or
// reopen.
func (s *site) changeReject(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.rejectView(r, v)
	if err != nil {
		return err
	}
	j, do, by := t.Reject, r.PostFormValue("do"), v.Actor()
	one := ingest.RejectQuery{IDs: []int64{j.ID}}
	switch do {
	case "save", "replay":
		text := compact(r.PostFormValue("text"))
		if text != compact(j.Text()) {
			err = s.Rejects.Mend(r.Context(), by, j.ID, text)
		}
		if k := cairn.KindOf(err); err != nil && (k == cairn.Invalid || k == cairn.TooLarge) {
			t.Text, t.Problem = r.PostFormValue("text"), cairn.TextOf(err)
			return s.showReject(w, r, v, t)
		}
		if err == nil && do == "replay" {
			_, err = s.Rejects.Replay(r.Context(), by, one)
		}
	case "restore":
		err = s.Rejects.MendRejects(r.Context(), by, map[int64]string{j.ID: ""})
	case "dismiss":
		_, err = s.Rejects.Move(r.Context(), by, one, ingest.RejectDismissed)
	case "reopen":
		_, err = s.Rejects.Move(r.Context(), by, one, ingest.RejectOpen)
	default:
		err = cairn.Errorf(cairn.Invalid, "A rejected record can be saved, replayed, dismissed or opened again.").At("do")
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, fmt.Sprintf("/sources/%s/rejects/%d", j.Source, j.ID), http.StatusSeeOther)
	return nil
}

// patchRows is how many steps the form of a patch has room for.
const patchRows = 4

// A patchView is a patch with what it would make of the first records.
type patchView struct {
	Filter   rejectFilter
	Total    int64
	Patch    ingest.Patch // as typed, with blank rows up to patchRows
	Values   []string     // what stands beside each step
	Fields   []string     // that occur in the first records
	Previews []ingest.Preview
	Problem  string
	Ready    bool // the patch can be carried out
}

// patchOf reads the steps of the form; blank rows are left out.
func patchOf(r *http.Request) (p ingest.Patch, rows ingest.Patch, values []string) {
	r.ParseForm()
	at := func(name string, i int) string {
		if l := r.Form[name]; i < len(l) {
			return strings.TrimSpace(l[i])
		}
		return ""
	}
	for i := range patchRows {
		s := ingest.Step{Op: at("op", i), Field: at("path", i)}
		value := at("value", i)
		rows, values = append(rows, s), append(values, value)
		if s.Field == "" {
			continue
		}
		switch s.Op {
		case "rename":
			s.To = value
		case "set":
			s.Value = typed(value)
		case "convert":
			s.As = strings.ToLower(value)
		}
		p = append(p, s)
	}
	return p, rows, values
}

func (s *site) patchView(r *http.Request, v View) (t patchView, p ingest.Patch, q ingest.RejectQuery, err error) {
	t.Filter = rejectFilterOf(r)
	t.Filter.State, t.Filter.Before = string(ingest.RejectOpen), 0
	p, t.Patch, t.Values = patchOf(r)
	if _, err = s.rejectSource(r, v); err != nil {
		return t, p, q, err
	}
	if q, err = t.Filter.query(v); err != nil {
		return t, p, q, err
	}
	if t.Total, err = s.Rejects.RefusedCount(r.Context(), v.Scope(), q); err != nil {
		return t, p, q, err
	}
	check := p.Check()
	t.Ready = check == nil
	if len(p) > 0 && check != nil {
		t.Problem = cairn.TextOf(check)
	}
	some := q
	some.Limit = 5
	show := p
	if !t.Ready {
		show = nil
	}
	t.Previews, err = s.Rejects.Preview(r.Context(), v.Scope(), some, show)
	for _, x := range t.Previews {
		t.Fields = append(t.Fields, ingest.FieldPaths(x.Reject.Text())...)
	}
	slices.Sort(t.Fields)
	t.Fields = slices.Compact(t.Fields)
	return t, p, q, err
}

func (s *site) rejectPatch(w http.ResponseWriter, r *http.Request, v View) error {
	t, _, _, err := s.patchView(r, v)
	if err != nil {
		return err
	}
	return s.showPatch(w, r, v, t)
}

func (s *site) showPatch(w http.ResponseWriter, r *http.Request, v View, t patchView) error {
	p := Page{Title: "Mend many", Active: "sources",
		Crumbs: rejectCrumbs(t.Filter.Source, Crumb{"Rejected records", t.Filter.address()})}
	return s.render(w, r, v, p, patchPage(v, t))
}

// patchRejects mends everything that the filter finds, and replays it if asked.
func (s *site) patchRejects(w http.ResponseWriter, r *http.Request, v View) error {
	t, p, q, err := s.patchView(r, v)
	if err != nil {
		return err
	}
	if !t.Ready {
		return s.showPatch(w, r, v, t)
	}
	tally, err := s.Rejects.Apply(r.Context(), v.Actor(), q, p)
	did := "mend"
	if err == nil && r.PostFormValue("do") == "replay" {
		did = "mend-replay"
		tally, err = s.Rejects.Replay(r.Context(), v.Actor(), q)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, withTally(t.Filter, did, tally), http.StatusSeeOther)
	return nil
}

// typed reads a value as JSON, and as text when it is none.
func typed(s string) any {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var x any
	if d.Decode(&x) != nil || d.More() {
		return s
	}
	return x
}

// compact writes JSON on one line, with its numbers as they are; what is not
// JSON stays as it is.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return strings.TrimSpace(text)
	}
	return b.String()
}

// indented writes JSON for reading without changing its numbers.
func indented(text string) string {
	var b bytes.Buffer
	if json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// patchOps are the steps of a patch as the form offers them.
var patchOps = []struct{ Op, Label string }{
	{"rename", "Rename"}, {"set", "Set to"}, {"drop", "Leave out"}, {"convert", "Make it a"},
}

func allOf(v View, n int64) string {
	if n == 1 {
		return "it"
	}
	return "all " + v.Count(n)
}

func outcomeWord(s ingest.Status) string {
	switch s {
	case ingest.Duplicate:
		return "was there already"
	case ingest.Late:
		return "taken, about an earlier day"
	}
	return "taken"
}

func outcomeLook(s ingest.Status) string {
	if s == ingest.Duplicate {
		return ""
	}
	return "good"
}
