package ingest

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"cairn"

	"github.com/goccy/go-yaml"
)

// A Mapping says how a row of a file becomes records. It is written in YAML;
// docs/import.md describes it for those who write one.
type Mapping struct {
	Zone    string     `yaml:"zone"`    // of times that name none; empty: the workspace's
	Date    forms      `yaml:"date"`    // forms of dates; empty: those that cannot be misread
	Decimal string     `yaml:"decimal"` // "," when 1.234,50 is meant; empty or ".": 1234.50
	Empty   string     `yaml:"empty"`   // what an empty cell does to a field: "leave" it (also when empty) or "clear" it
	Records []Template `yaml:"records"` // several records out of one row

	// One record out of a row; with Records, what each of them has in common.
	Template `yaml:",inline"`
}

// A Template is one record made of a row.
type Template struct {
	Kind      string `yaml:"kind"` // as --kind; empty: that of the import
	Skip      *value `yaml:"skip"` // true: no such record comes of this row
	Event     *value `yaml:"event"`
	At        *value `yaml:"at"`
	ID        *value `yaml:"id"` // the producer's own id of the event; absent: made of the row
	Account   *value `yaml:"account"`
	Person    *value `yaml:"person"`
	Anonymous *value `yaml:"anonymous"`
	Record    *value `yaml:"record"` // id of the contract, invoice, ticket or answer
	Via       *via   `yaml:"via"`
	Product   *value `yaml:"product"`
	N         *value `yaml:"n"`
	Props     *props `yaml:"props"`
	Fields    *props `yaml:"fields"` // the same, as it is called for records
}

type via struct {
	Kind string `yaml:"kind"`
	Key  *value `yaml:"key"`
}

// A value is a column, a constant or an expression over the row.
type value struct {
	Column string `yaml:"column"`
	Const  any    `yaml:"const"`
	CEL    string `yaml:"cel"`
	Split  string `yaml:"split"` // a list of the parts between these
	Date   forms  `yaml:"date"`
	As     string `yaml:"as"`    // text, number, bool or date; empty: as it looks
	Empty  string `yaml:"empty"` // as in Mapping, for this field
	Max    string `yaml:"max"`   // "now": a time to come is taken as now
}

// forms are the ways in which a date may be written; see dateForms.
type forms []string

// props are the properties of an event, or the fields of a patch.
type props struct {
	rest   bool     // also every column that nothing else uses
	except []string // but these
	of     map[string]*value
}

// UnmarshalYAML reads "column" or {column: …}, {const: …}, {cel: …}.
func (v *value) UnmarshalYAML(decode func(any) error) error {
	var column string
	if decode(&column) == nil {
		v.Column = column
		return nil
	}
	type plain value
	return decode((*plain)(v))
}

// UnmarshalYAML reads one form or a list of them.
func (f *forms) UnmarshalYAML(decode func(any) error) error {
	var one string
	if decode(&one) == nil {
		*f = forms{one}
		return nil
	}
	return decode((*[]string)(f))
}

// UnmarshalYAML reads "*", a list of columns, or names with their values,
// among which "*": "*" stands for the columns that nothing else uses.
func (p *props) UnmarshalYAML(decode func(any) error) error {
	p.of = map[string]*value{}
	var list []string
	var one string
	switch {
	case decode(&list) == nil:
	case decode(&one) == nil:
		list = []string{one}
	default:
		if err := decode(&p.of); err != nil {
			return err
		}
		if _, p.rest = p.of["*"]; p.rest {
			delete(p.of, "*")
		}
	}
	for _, c := range list {
		if c == "*" {
			p.rest = true
			continue
		}
		p.of[c] = &value{Column: c}
	}
	return nil
}

// ReadMapping reads and checks what can be checked without the file that is
// to be imported. The text of an error may be shown: it quotes the mapping.
func ReadMapping(r io.Reader) (*Mapping, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxRow))
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The mapping cannot be read.").Because(err)
	}
	m := &Mapping{}
	if err := yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(m); err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The mapping has an error.\n%s", yaml.FormatError(err, false, true)).Because(err)
	}
	return m, m.check()
}

func (m *Mapping) check() error {
	if _, err := m.zone(time.UTC); err != nil {
		return err
	}
	if !slices.Contains([]string{"", ".", ","}, m.Decimal) {
		return cairn.Errorf(cairn.Invalid, "%q does not separate decimals: \",\" or \".\" is needed.", m.Decimal).At("decimal")
	}
	if err := checkEmpty("empty", m.Empty); err != nil {
		return err
	}
	if _, err := m.Date.compile(); err != nil {
		return mappingError("date", err)
	}
	for i, t := range m.templates() {
		if err := t.check(); err != nil {
			if len(m.Records) > 0 {
				return mappingError(fmt.Sprintf("records.%d", i), err)
			}
			return err
		}
	}
	return nil
}

func checkEmpty(field, s string) error {
	if !slices.Contains([]string{"", "leave", "clear"}, s) {
		return cairn.Errorf(cairn.Invalid, "%q is not what an empty cell can do: leave or clear is needed.", s).At(field)
	}
	return nil
}

// mappingError puts where before the field that err names.
func mappingError(where string, err error) error {
	e, ok := err.(*cairn.Error)
	if !ok {
		return err
	}
	if e.Field != "" {
		where += "." + e.Field
	}
	return e.At(where)
}

func (m *Mapping) zone(fallback *time.Location) (*time.Location, error) {
	if m.Zone == "" {
		return fallback, nil
	}
	z, err := time.LoadLocation(m.Zone)
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "%q is not a time zone: a name such as Europe/Paris is needed.", m.Zone).At("zone").Because(err)
	}
	return z, nil
}

// templates returns what is made of one row, each with what all have in common.
func (m *Mapping) templates() []Template {
	if len(m.Records) == 0 {
		return []Template{m.Template}
	}
	out := slices.Clone(m.Records)
	for i := range out {
		out[i].inherit(m.Template)
	}
	return out
}

// inherit takes from common what t does not say itself; what skips the whole
// row stays with the mapping.
func (t *Template) inherit(common Template) {
	if t.Kind == "" {
		t.Kind = common.Kind
	}
	for _, f := range []struct{ own, common **value }{
		{&t.Event, &common.Event}, {&t.At, &common.At}, {&t.ID, &common.ID}, {&t.Account, &common.Account},
		{&t.Person, &common.Person}, {&t.Anonymous, &common.Anonymous}, {&t.Record, &common.Record},
		{&t.Product, &common.Product}, {&t.N, &common.N},
	} {
		if *f.own == nil {
			*f.own = *f.common
		}
	}
	if t.Via == nil {
		t.Via = common.Via
	}
	if t.Props == nil && t.Fields == nil {
		t.Props, t.Fields = common.Props, common.Fields
	}
}

// values returns every value of t under the name that an error gives it.
func (t *Template) values() map[string]*value {
	out := map[string]*value{
		"skip": t.Skip, "event": t.Event, "at": t.At, "id": t.ID, "account": t.Account, "person": t.Person,
		"anonymous": t.Anonymous, "record": t.Record, "product": t.Product, "n": t.N,
	}
	if t.Via != nil {
		out["via.key"] = t.Via.Key
	}
	if p := t.properties(); p != nil {
		for name, v := range p.of {
			out["props."+name] = v
		}
	}
	for name, v := range out {
		if v == nil {
			delete(out, name)
		}
	}
	return out
}

func (t *Template) properties() *props {
	if t.Fields != nil {
		return t.Fields
	}
	return t.Props
}

func (t *Template) check() error {
	if t.Kind != "" {
		if _, err := eventKind(t.Kind); err != nil {
			return err.At("kind")
		}
	}
	if t.Props != nil && t.Fields != nil {
		return cairn.Errorf(cairn.Invalid, "props and fields are two words for the same: say one.").At("fields")
	}
	if t.Via != nil {
		k, err := eventKind(t.Via.Kind)
		if err != nil || !k.IsRecord() || t.Via.Key == nil {
			return cairn.Errorf(cairn.Invalid, "via needs a kind (account, person, contract, invoice, ticket or answer) and a key.").At("via")
		}
	}
	values := t.values()
	for _, name := range sortedKeys(values) {
		if err := values[name].check(); err != nil {
			return mappingError(name, err)
		}
	}
	return nil
}

func (v *value) check() error {
	n := 0
	for _, said := range []bool{v.Column != "", v.Const != nil, v.CEL != ""} {
		if said {
			n++
		}
	}
	if n != 1 {
		return cairn.Errorf(cairn.Invalid, "A value is one of a column, {const: …} and {cel: …}.")
	}
	if !slices.Contains([]string{"", "text", "number", "bool", "date"}, v.As) {
		return cairn.Errorf(cairn.Invalid, "%q is not a type: text, number, bool or date is needed.", v.As).At("as")
	}
	if v.Max != "" && v.Max != "now" {
		return cairn.Errorf(cairn.Invalid, "max can be now and nothing else.").At("max")
	}
	if _, err := v.Date.compile(); err != nil {
		return mappingError("date", err)
	}
	return checkEmpty("empty", v.Empty)
}

// kinds are what --kind may say.
var kinds = []struct {
	plural string
	kind   cairn.EventKind
}{
	{"events", cairn.Track}, {"accounts", cairn.OfAccount}, {"people", cairn.OfPerson}, {"contracts", cairn.OfContract},
	{"invoices", cairn.OfInvoice}, {"tickets", cairn.OfTicket}, {"answers", cairn.OfAnswer},
	{"renewals", cairn.OfRenewal}, {"losses", cairn.OfLoss}, {"opportunities", cairn.OfOpportunity},
}

// Kinds returns what may be imported, as --kind names it.
func Kinds() []string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.plural)
	}
	return append(out, Messages)
}

// eventKind reads the plural of --kind or the singular of an event's kind.
func eventKind(s string) (cairn.EventKind, *cairn.Error) {
	for _, k := range kinds {
		if s == k.plural || s == string(k.kind) || s == "event" && k.kind == cairn.Track {
			return k.kind, nil
		}
	}
	return "", cairn.Errorf(cairn.Invalid, "%q cannot be imported: %s can.", s, strings.Join(Kinds(), ", "))
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
