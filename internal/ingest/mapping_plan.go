package ingest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/expr"
)

// A plan is a mapping made ready for one file.
type plan struct {
	kind    string
	columns []string
	order   []int // columns by name: what the row's own id is made of
	skip    *cell
	records []recordPlan
	now     time.Time
	asOf    time.Time
	seen    map[uint64]struct{} // fingerprints of rows that have no id of their own
	again   map[uint64]int      // how often those came again

	messages bool // rows are whole messages, and the rest of the plan is empty
}

// A recordPlan makes one record of a row.
type recordPlan struct {
	kind      cairn.EventKind
	skip      *cell
	event     *cell
	at        *cell
	id        *cell
	account   *cell
	person    *cell
	anonymous *cell
	record    *cell
	viaKind   cairn.EventKind
	via       *cell
	product   *cell
	n         *cell
	fields    []fieldPlan
}

// A fieldPlan fills one property or field. One that is open holds an object
// whose members are properties.
type fieldPlan struct {
	name string
	cell cell
	open bool
}

// setting is what an import knows besides the mapping.
type setting struct {
	kind    string
	columns []string // of the file
	fixed   bool     // every row has exactly these columns
	zone    *time.Location
	now     time.Time
	asOf    time.Time
}

// prepare checks m against the columns of a file and makes it ready.
func (m *Mapping) prepare(s setting) (*plan, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	zone, err := m.zone(s.zone)
	if err != nil {
		return nil, err
	}
	c := &compiler{setting: s, mapping: m, zone: zone}
	p := &plan{kind: s.kind, columns: s.columns, now: s.now, asOf: s.asOf, seen: map[uint64]struct{}{}, again: map[uint64]int{}}
	for i := range s.columns {
		p.order = append(p.order, i)
	}
	slices.SortFunc(p.order, func(a, b int) int { return strings.Compare(s.columns[a], s.columns[b]) })
	p.skip = c.cell("skip", m.Skip)
	for i, t := range m.templates() {
		at := ""
		if len(m.Records) > 0 {
			at = fmt.Sprintf("records.%d", i)
		} else {
			t.Skip = nil // already the row's
		}
		r, err := c.record(t)
		if err != nil {
			if at != "" {
				err = mappingError(at, err)
			}
			return nil, err
		}
		p.records = append(p.records, r)
	}
	if c.problem != nil {
		return nil, c.problem
	}
	return p, nil
}

// A compiler remembers the first problem, so that its callers need not.
type compiler struct {
	setting
	mapping *Mapping
	zone    *time.Location
	problem error
	used    []string // columns that the template being compiled names itself
}

func (c *compiler) record(t Template) (recordPlan, error) {
	c.used = nil
	kind := t.Kind
	if kind == "" {
		kind = c.kind
	}
	k, bad := eventKind(kind)
	if bad != nil {
		return recordPlan{}, bad.At("kind")
	}
	r := recordPlan{
		kind: k, skip: c.cell("skip", t.Skip), event: c.cell("event", t.Event), at: c.cell("at", t.At), id: c.cell("id", t.ID),
		account: c.cell("account", t.Account), person: c.cell("person", t.Person), anonymous: c.cell("anonymous", t.Anonymous),
		record: c.cell("record", t.Record), product: c.cell("product", t.Product), n: c.cell("n", t.N),
	}
	if t.Via != nil {
		r.viaKind, _ = eventKind(t.Via.Kind)
		r.via = c.cell("via.key", t.Via.Key)
	}
	if t.Skip != nil { // a condition does not use a column up
		c.used = slices.DeleteFunc(c.used, func(s string) bool { return s == t.Skip.Column })
	}
	if c.problem != nil {
		return r, c.problem
	}
	if err := r.complete(c.asOf); err != nil {
		return r, err
	}
	r.fields = c.fields(k, t.properties())
	return r, c.problem
}

func (c *compiler) fields(kind cairn.EventKind, p *props) []fieldPlan {
	if p == nil {
		return nil
	}
	of := maps.Clone(p.of)
	if p.rest {
		for _, name := range c.unused(p) {
			of[name] = &value{Column: name}
		}
	}
	var out []fieldPlan
	for _, name := range sortedKeys(of) {
		f := c.cell("props."+name, of[name])
		if f == nil {
			continue
		}
		if f.as == "" {
			f.as = typeOf(kind, name)
		}
		_, asked := p.of[name]
		out = append(out, fieldPlan{name, *f, !asked && (name == "properties" || name == "traits")})
	}
	return out
}

// complete says what a record of this kind cannot do without.
func (r *recordPlan) complete(asOf time.Time) error {
	switch {
	case r.kind == cairn.Track && r.event == nil:
		return cairn.Errorf(cairn.Invalid, "Nothing says what the events are called: name the column in a mapping, or {const: a name}.").At("event")
	case r.kind == cairn.Track && r.at == nil && asOf.IsZero():
		return cairn.Errorf(cairn.Invalid, "Nothing says when the events happened: name the column in a mapping, or give one moment for all.").At("at")
	case r.kind == cairn.OfAccount && r.account == nil && r.via == nil:
		return cairn.Errorf(cairn.Invalid, "Nothing says which account a row describes: name the column in a mapping.").At("account")
	case r.kind == cairn.OfPerson && r.person == nil && r.anonymous == nil:
		return cairn.Errorf(cairn.Invalid, "Nothing says which person a row describes: name the column in a mapping.").At("person")
	case r.kind.IsRecord() && r.kind != cairn.OfAccount && r.kind != cairn.OfPerson && r.kind != cairn.OfAnswer && r.record == nil:
		return cairn.Errorf(cairn.Invalid, "Nothing says which %s a row describes: name the column of its id in a mapping.", r.kind).At("record")
	}
	return nil
}

// unused returns the columns that nothing else in the template names. Of a
// path into an object the whole object is used.
func (c *compiler) unused(p *props) []string {
	for _, v := range p.of {
		c.used = append(c.used, v.Column)
	}
	var rest []string
	for _, name := range c.columns {
		_, taken := p.of[name]
		head, _, path := strings.Cut(name, ".")
		inner := path && !c.fixed && slices.Contains(c.columns, head)
		if !taken && !inner && !slices.Contains(c.used, name) && !slices.Contains(p.except, name) {
			rest = append(rest, name)
		}
	}
	return rest
}

func (c *compiler) plain() cell {
	return cell{index: -1, zone: c.zone, comma: c.mapping.Decimal == ",", dates: c.dates(nil), clear: c.mapping.Empty == "clear"}
}

func (c *compiler) dates(own forms) dateReader {
	if len(own) == 0 {
		own = c.mapping.Date
	}
	r, err := own.compile()
	c.fail(err)
	return r
}

func (c *compiler) fail(err error) {
	if c.problem == nil && err != nil {
		c.problem = err
	}
}

// cell makes v ready; nil stays nil.
func (c *compiler) cell(field string, v *value) *cell {
	if v == nil {
		return nil
	}
	out := c.plain()
	out.label, out.fixed, out.split, out.as, out.max = field, v.Const, v.Split, v.As, v.Max == "now"
	out.dates = c.dates(v.Date)
	if v.Empty != "" {
		out.clear = v.Empty == "clear"
	}
	if len(v.Date) > 0 && out.as == "" {
		out.as = "date"
	}
	switch {
	case v.Column != "":
		out.label, out.column = v.Column, v.Column
		out.index = slices.Index(c.columns, v.Column)
		c.exists(field, v.Column)
		c.used = append(c.used, v.Column)
	case v.CEL != "":
		p, err := expr.Compile(v.CEL, expr.Vars{"row": expr.Object})
		if err != nil {
			c.fail(mappingError(field, err))
			return nil
		}
		for _, name := range p.Reads("row") {
			c.exists(field, name)
		}
		out.program = &p
	}
	return &out
}

func (c *compiler) exists(field, column string) {
	if !slices.Contains(c.columns, column) {
		c.fail(cairn.Errorf(cairn.Invalid, "The file has no column %q. It has: %s.", column, strings.Join(c.columns, ", ")).At(field))
	}
}

// make returns the records of a row: none when it is left out.
func (p *plan) make(r *row) ([]Record, *cairn.Error) {
	in := &reading{row: r, plan: p}
	if p.messages {
		rec, problem := in.message()
		return []Record{rec}, problem
	}
	if skip, problem := p.skip.truth(in); skip || problem != nil {
		return nil, problem
	}
	var out []Record
	for i := range p.records {
		rec, ok, problem := p.records[i].make(in, i)
		if problem != nil {
			return nil, problem
		}
		if ok {
			out = append(out, rec)
		}
	}
	return out, nil
}

func (t *recordPlan) make(in *reading, i int) (Record, bool, *cairn.Error) {
	r := Record{Index: in.row.number, Kind: t.kind, N: 1}
	if skip, problem := t.skip.truth(in); skip || problem != nil {
		return r, false, problem
	}
	for _, k := range []struct {
		to   *string
		cell *cell
	}{
		{&r.Name, t.event}, {&r.ID, t.id}, {&r.Keys.Account, t.account}, {&r.Keys.Person, t.person},
		{&r.Keys.Anonymous, t.anonymous}, {&r.Keys.Record, t.record}, {&r.Product, t.product}, {&r.Via.Key, t.via},
	} {
		s, problem := k.cell.text(in)
		if problem != nil {
			return r, false, problem
		}
		*k.to = s
	}
	if r.Via.Key != "" {
		r.Via.Kind = t.viaKind
	}
	if problem := t.date(in, &r); problem != nil {
		return r, false, problem
	}
	var problem *cairn.Error
	if r.N, problem = t.n.count(in); problem != nil || r.N == 0 {
		return r, false, problem
	}
	if problem = t.fill(in, &r); problem != nil {
		return r, false, problem
	}
	if r.ID == "" {
		r.ID = in.id(i)
	}
	if r.Kind == cairn.OfAnswer && r.Keys.Record == "" {
		r.Keys.Record = in.id(i)
	}
	return r, true, nil
}

// undated is the sender's timestamp of rows that have none, so that what is
// imported again is recognised however much later.
var undated = time.Unix(1, 0).UTC()

func (t *recordPlan) date(in *reading, r *Record) *cairn.Error {
	d, ok, problem := t.at.moment(in)
	if problem != nil {
		return problem
	}
	r.At, r.Stamp = d.t, d.t
	if !ok {
		if t.kind == cairn.Track && t.at != nil && in.plan.asOf.IsZero() {
			return cairn.Errorf(cairn.Invalid, "The time is empty.").At(t.at.label).Coded(CodeMissing)
		}
		r.At, r.Stamp = in.plan.asOf, in.plan.asOf
	}
	if t.at != nil && t.at.max && r.At.After(in.plan.now) {
		r.At, r.Stamp = time.Time{}, time.Time{}
	}
	if r.At.IsZero() {
		r.Stamp = undated
	}
	return nil
}

func (t *recordPlan) fill(in *reading, r *Record) *cairn.Error {
	r.Props = make(map[string]any, len(t.fields))
	for i := range t.fields {
		f := &t.fields[i]
		if o, ok := in.row.object[f.name].(map[string]any); ok && f.open {
			maps.Copy(r.Props, o)
			continue
		}
		if problem := f.cell.put(in, f.name, r.Props); problem != nil {
			return problem
		}
	}
	return nil
}

// A reading is a row while records are made of it.
type reading struct {
	row  *row
	plan *plan
	vars map[string]any // for expressions, when one was evaluated
}

// variables returns the row as expressions see it.
func (in *reading) variables() map[string]any {
	if in.vars != nil {
		return in.vars
	}
	object := map[string]any{}
	if in.row.object != nil {
		object, _ = expr.Plain(in.row.object).(map[string]any)
	}
	for i, c := range in.row.cells {
		object[in.plan.columns[i]] = strings.TrimSpace(c)
	}
	in.vars = map[string]any{"row": object}
	return in.vars
}

// id is made of the row's key and of which of its records this is.
func (in *reading) id(record int) string {
	return cairn.HashID("row", in.plan.kind, in.plan.key(in.row), strconv.Itoa(record)).String()
}

// key is made of what the row says and of how many rows of the file said the
// same before it; order and empty cells do not matter. A file of rejected rows
// says the key that a row had before it was mended. A row that could not be
// split into cells has none.
func (p *plan) key(r *row) string {
	if r.key != "" || r.object == nil && r.cells == nil {
		return r.key
	}
	sum := p.sum(r)
	mark := binary.BigEndian.Uint64(sum[:])
	before := 0
	if _, ok := p.seen[mark]; ok {
		p.again[mark]++
		before = p.again[mark]
	}
	p.seen[mark] = struct{}{}
	r.key = fmt.Sprintf("%x-%d", sum, before)
	return r.key
}

func (p *plan) sum(r *row) [sha256.Size]byte {
	if r.object != nil {
		b, _ := json.Marshal(r.object) // sorted by key; it came from JSON
		return sha256.Sum256(b)
	}
	var b []byte
	for _, i := range p.order {
		if c := r.cells[i]; c != "" {
			b = append(binary.AppendUvarint(b, uint64(len(p.columns[i]))), p.columns[i]...)
			b = append(binary.AppendUvarint(b, uint64(len(c))), c...)
		}
	}
	return sha256.Sum256(b)
}
