package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A contractView is the page of what is agreed with a source. Source is what
// the forms hold: as it stands, or as its past suggests.
type contractView struct {
	ingest.Summary
	Suggested bool
	Seen      []ingest.Seen
	Looked    int             // records of the last seven days that were looked at
	Tried     []ingest.Breach // what they break of the contract
	Broken    []ingest.Breach // what was broken in the last 24 hours
	Text      string
}

func (s *site) sourceContract(w http.ResponseWriter, r *http.Request, v View) error {
	sum, err := s.sourceSummary(r, v)
	if err != nil {
		return err
	}
	if sum.Source.Name == houseSource {
		return cairn.Errorf(cairn.Forbidden, "With Cairn itself nothing has to be agreed.")
	}
	t := contractView{Summary: sum, Suggested: r.FormValue("suggest") != ""}
	if t.Suggested {
		was := t.Source
		if t.Source, t.Seen, t.Looked, err = ingest.SuggestFor(r.Context(), s.Sources, was, v.Zone, v.Now); err != nil {
			return err
		}
		if t.Source.Distrust == 0 && t.Source.Contract != nil {
			t.Source.Distrust = 50
		}
	}
	if t.Source.Contract != nil {
		events, err := s.Sources.Sample(r.Context(), v.Scope(), sum.Source.Name, v.Now.AddDate(0, 0, -7))
		if err != nil {
			return err
		}
		t.Looked, t.Tried = len(events), ingest.Try(*t.Source.Contract, events)
		if t.Broken, err = s.Sources.Breaches(r.Context(), v.Scope(), sum.Source.Name, v.Now.Add(-24*time.Hour)); err != nil {
			return err
		}
	}
	if t.Text, err = t.Source.Text(); err != nil {
		return err
	}
	return s.render(w, r, v, sourceFrame(sum.Source.Name, "Cadence and contract"), contractPage(v, t))
}

// saveContract writes down what one of the page's forms says, on top of the
// revision that it was made of.
func (s *site) saveContract(w http.ResponseWriter, r *http.Request, v View) error {
	src, err := s.Sources.Source(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "The form could not be read.").Because(err)
	}
	note := strings.TrimSpace(r.PostFormValue("note"))
	switch r.PostFormValue("part") {
	case "cadence":
		if src.Cadence, err = cadenceForm(r); err != nil {
			return err
		}
		note = cmp.Or(note, "Changed how often it is expected.")
	case "contract":
		if src.Contract, err = contractForm(r); err != nil {
			return err
		}
		if src.Distrust, err = whole(r.PostFormValue("distrust"), "distrust"); err != nil {
			return err
		}
		note = cmp.Or(note, "Changed the contract.")
	default:
		if src, err = src.ReadText(r.PostFormValue("text")); err != nil {
			return err
		}
		note = cmp.Or(note, "Changed as text.")
	}
	if src.Rev, err = whole(r.PostFormValue("rev"), "rev"); err != nil {
		return err
	}
	if err := s.Sources.SaveSource(r.Context(), v.Actor(), src, note, v.Now); err != nil {
		return err
	}
	http.Redirect(w, r, "/sources/"+src.Name+"/contract", http.StatusSeeOther)
	return nil
}

// whole reads a whole number; empty is 0.
func whole(text, field string) (int, error) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, cairn.Errorf(cairn.Invalid, "A whole number is needed.").At(field)
	}
	return n, nil
}

func cadenceForm(r *http.Request) (*ingest.Cadence, error) {
	var c ingest.Cadence
	for name, n := range map[string]*int{"hours": &c.Hours, "from": &c.From, "to": &c.To} {
		var err error
		if *n, err = whole(r.PostFormValue(name), name); err != nil {
			return nil, err
		}
	}
	if c.Hours == 0 {
		return nil, nil
	}
	if c.Days = r.PostForm["day"]; len(c.Days) == 7 {
		c.Days = nil
	}
	if c.To == 24 {
		c.To = 0
	}
	return &c, nil
}

// contractForm reads the rules; those without an event or kind, and fields
// without a name, are left out.
func contractForm(r *http.Request) (*ingest.Contract, error) {
	get := r.PostFormValue
	c := &ingest.Contract{Breach: ingest.Policy(get("breach")), Unknown: ingest.Policy(get("unknown"))}
	for i := range 200 {
		at := fmt.Sprintf("rule-%d", i)
		if !r.PostForm.Has(at + "-event") {
			break
		}
		rule := ingest.Rule{
			Event: strings.TrimSpace(get(at + "-event")), Kind: cairn.EventKind(get(at + "-kind")),
			Breach: ingest.Policy(get(at + "-breach")), Unknown: ingest.Policy(get(at + "-unknown")),
		}
		if rule.Kind == cairn.Track {
			rule.Kind = ""
		}
		if rule.Event == "" && rule.Kind == "" {
			continue
		}
		for j := 0; r.PostForm.Has(fmt.Sprintf("%s-%d-name", at, j)); j++ {
			f, err := fieldForm(r, fmt.Sprintf("%s-%d", at, j))
			if err != nil {
				return nil, err
			}
			if f.Name != "" {
				rule.Fields = append(rule.Fields, f)
			}
		}
		c.Rules = append(c.Rules, rule)
	}
	if len(c.Rules) == 0 && (c.Unknown == "" || c.Unknown == ingest.Allow) {
		return nil, nil
	}
	return c, nil
}

func fieldForm(r *http.Request, at string) (ingest.Field, error) {
	get := func(name string) string { return strings.TrimSpace(r.PostFormValue(at + "-" + name)) }
	f := ingest.Field{Name: get("name"), Type: get("type"), Required: get("required") != ""}
	for v := range strings.SplitSeq(get("values"), ",") {
		if v = strings.TrimSpace(v); v != "" {
			f.Values = append(f.Values, v)
		}
	}
	for name, to := range map[string]**float64{"least": &f.Least, "most": &f.Most} {
		if text := get(name); text != "" {
			n, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return f, cairn.Errorf(cairn.Invalid, "The least and the most of %s are numbers.", f.Name).At(name)
			}
			*to = &n
		}
	}
	switch get("personal") {
	case "yes", "no":
		yes := get("personal") == "yes"
		f.Personal = &yes
	}
	return f, nil
}

// rulesOf are the rules of the form: those there are, and an empty one.
func rulesOf(c *ingest.Contract) []ingest.Rule {
	if c == nil {
		return []ingest.Rule{{}}
	}
	return append(slices.Clone(c.Rules), ingest.Rule{})
}

// fieldsOf are the fields of a rule, and two empty ones.
func fieldsOf(r ingest.Rule) []ingest.Field {
	return append(slices.Clone(r.Fields), ingest.Field{}, ingest.Field{})
}

func numberText(n *float64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatFloat(*n, 'f', -1, 64)
}

func personalText(p *bool) string {
	switch {
	case p == nil:
		return ""
	case *p:
		return "yes"
	}
	return "no"
}

// triedLine says what the records that were looked at break of a rule.
func triedLine(v View, tried []ingest.Breach, rule ingest.Rule) (line string, broken bool) {
	var of int64
	var parts []string
	for _, b := range tried {
		switch {
		case b.Rule != rule.Called():
		case b.Problem == ingest.Checked:
			of = b.N
		default:
			parts = append(parts, fmt.Sprintf("%s %s in %s", b.Field, breachWords[b.Problem], v.Count(b.N)))
		}
	}
	switch {
	case of == 0:
		return "No such record was among those looked at.", false
	case len(parts) == 0:
		return fmt.Sprintf("All %s records looked at are as agreed.", v.Count(of)), false
	}
	return fmt.Sprintf("Of %s records looked at: %s.", v.Count(of), strings.Join(parts, ", ")), true
}

var breachWords = map[string]string{
	ingest.Missing: "is missing", ingest.WrongType: "is of another type", ingest.WrongWord: "is none of the values", ingest.OutOf: "is out of range", ingest.Unnamed: "is not agreed",
}

// A named choice of a form.
type choice struct{ Value, Label string }

var (
	breachChoices  = []choice{{"note", "take it and count it"}, {"reject", "refuse it with the reason"}}
	unknownChoices = []choice{{"allow", "let it through"}, {"note", "take it and count it"}, {"reject", "refuse it with the reason"}}
	ruleBreach     = append([]choice{{"", "as the contract says"}}, breachChoices...)
	personalChoice = []choice{{"", "by its looks"}, {"yes", "sealed"}, {"no", "plain"}}
)

func typeChoices() []choice {
	out := []choice{{"", "any"}}
	for _, t := range ingest.Types() {
		out = append(out, choice{t, t})
	}
	return out
}

func kindChoices() []choice {
	out := []choice{{"", "event named"}}
	for _, k := range keyKinds {
		if k.Kind != "track" {
			out = append(out, choice{k.Kind, k.Kind})
		}
	}
	return out
}

var dayNames = []choice{{"mon", "Mon"}, {"tue", "Tue"}, {"wed", "Wed"}, {"thu", "Thu"}, {"fri", "Fri"}, {"sat", "Sat"}, {"sun", "Sun"}}

func onDay(c *ingest.Cadence, day string) bool {
	return c == nil || len(c.Days) == 0 || slices.Contains(c.Days, day)
}

// cadenceOf is the cadence as the form holds it.
func cadenceOf(c *ingest.Cadence) ingest.Cadence {
	if c == nil {
		return ingest.Cadence{To: 24}
	}
	out := *c
	if out.To == 0 {
		out.To = 24
	}
	return out
}

// contractOf is the contract as the form holds it.
func contractOf(t contractView) ingest.Contract {
	if t.Source.Contract == nil {
		return ingest.Contract{Breach: ingest.Note, Unknown: ingest.Allow}
	}
	return *t.Source.Contract
}
