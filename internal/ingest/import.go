package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// Sizes of an import.
const (
	importBatch = 2000 // records given to the door at once
	importPeek  = 1000 // JSON objects that are looked at to learn their members
)

// An Importer reads a file of rows and gives its records to the door. Memory
// does not grow with the file, but by some 20 bytes for each row that has no
// id of its own.
type Importer struct {
	Admit   func(ctx context.Context, recs []Record) ([]Verdict, error)
	Kind    string         // one of Kinds
	Mapping *Mapping       // nil: by the names of the columns
	Format  string         // FormatCSV or FormatNDJSON; empty: found out
	Zone    *time.Location // the workspace's; nil: UTC
	Now     time.Time      // what a value with max: now is held against
	AsOf    time.Time      // when rows without a time held; zero: now
	// Rejects opens the file that refused rows are written to. It is called
	// once, with the end that the file's name should have, when the first row
	// is refused; nil: they are only counted.
	Rejects func(ext string) (w io.WriteCloser, path string, err error)
	// Refused is told of every refused row; it may be nil.
	Refused func(Refusal)
	// From is where an earlier import of the same file was broken off. The rows
	// before it are read again, for the ids that are made of them, and not given
	// to the door.
	From Mark
	// Reached is told every few seconds how far the file is taken for good, and
	// when the import ends with an error. It may be nil.
	Reached func(ctx context.Context, m Mark)
	// Made is told which records were made of the first rows; it may be nil.
	Made func(row int, recs []Record)
}

// A Refusal is a row that was not taken.
type Refusal struct {
	Row    int    // as a spreadsheet counts: a header is row 1
	Field  string // the column, or what was wanted from it
	Reason string
}

func (r Refusal) String() string {
	if r.Field == "" {
		return fmt.Sprintf("row %d: %s", r.Row, r.Reason)
	}
	return fmt.Sprintf("row %d, column %s: %s", r.Row, r.Field, r.Reason)
}

// A Report says what became of the rows of one file. A row of which several
// records are made counts once: as rejected when one of them was, else as
// accepted when one of them was new.
type Report struct {
	Read      int64  `json:"read"`
	Accepted  int64  `json:"accepted"`
	Duplicate int64  `json:"duplicate"`
	Rejected  int64  `json:"rejected"`
	Skipped   int64  `json:"skipped,omitempty"` // left out because the mapping says so
	Rejects   string `json:"rejects"`           // path of the file of refused rows; empty: none
}

// A Mark is a place in a file up to which every row is taken, with what became
// of them. The zero Mark is the file's start.
type Mark struct {
	Report Report `json:"report"` // Report.Read rows are taken
}

// markEvery is how often an import says how far it has come.
const markEvery = 2 * time.Second

// A run is one file being imported.
type run struct {
	Importer
	table   table
	plan    *plan
	head    []row // read to learn the columns, not yet taken
	report  Report
	rejects *rejectWriter
	batch   []Record
	rows    []pending // of the records in batch
	marked  time.Time // when Reached was last told
	reached Mark
}

// A pending row waits for what the door says of its records.
type pending struct {
	row     row
	records int
}

// Run imports one file. progress is told how many bytes of r have been read;
// it may be nil. When the file cannot be read to its end, the report counts
// what was taken before, and the same file may be imported again.
func (im Importer) Run(ctx context.Context, name string, r io.Reader, progress func(bytes int64)) (Report, error) {
	if progress != nil {
		r = &counted{r, 0, progress}
	}
	if m := im.mappingKind(); im.Kind == "" {
		im.Kind = m
	} else if a, _ := eventKind(im.Kind); m != "" {
		if b, _ := eventKind(m); a != b {
			return Report{}, cairn.Errorf(cairn.Invalid, "The mapping is for %s and not for %s.", m, im.Kind).At("kind")
		}
	}
	if im.Zone == nil {
		im.Zone = time.UTC
	}
	t, err := openTable(name, im.Format, r)
	if err != nil {
		return Report{}, err
	}
	u := &run{Importer: im, table: t, marked: time.Now(), reached: im.From}
	if err := u.prepare(); err != nil {
		return Report{}, err
	}
	if err = u.skip(ctx); err == nil {
		err = u.all(ctx)
	}
	if err != nil && u.Reached != nil {
		u.Reached(context.WithoutCancel(ctx), u.reached)
	}
	if closing := u.rejects.close(); err == nil {
		err = closing
	}
	return u.report, err
}

func (im Importer) mappingKind() string {
	if im.Mapping == nil {
		return ""
	}
	return im.Mapping.Kind
}

// prepare learns the columns and makes the mapping ready for them.
func (u *run) prepare() error {
	if u.Kind == Messages {
		return u.prepareMessages()
	}
	kind, bad := eventKind(u.Kind)
	if bad != nil {
		return bad.At("kind")
	}
	s := setting{kind: u.Kind, columns: u.table.columns(), fixed: true, zone: u.Zone, now: u.Now, asOf: u.AsOf}
	if s.columns == nil {
		s.fixed = false
		if err := u.peek(&s); err != nil {
			return err
		}
	}
	m := u.Mapping
	if m == nil {
		m = recognise(kind, s.columns)
	}
	var err error
	u.plan, err = m.prepare(s)
	return err
}

// peek learns the members of the first objects of a file of JSON lines.
func (u *run) peek(s *setting) error {
	names := map[string]bool{}
	for len(u.head) < importPeek {
		r, err := u.table.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		members("", r.object, names)
		u.head = append(u.head, r)
	}
	s.columns = slices.Sorted(maps.Keys(names))
	return nil
}

// members collects the names in o, and those of objects in it as paths.
func members(prefix string, o map[string]any, names map[string]bool) {
	for k, v := range o {
		names[prefix+k] = true
		if inner, ok := v.(map[string]any); ok && len(prefix) < 100 {
			members(prefix+k+".", inner, names)
		}
	}
}

func (u *run) next() (row, error) {
	if len(u.head) > 0 {
		r := u.head[0]
		u.head = u.head[1:]
		return r, nil
	}
	return u.table.next()
}

// skip reads the rows that an earlier import has taken.
func (u *run) skip(ctx context.Context) error {
	for n := range u.From.Report.Read {
		r, err := u.next()
		if err == io.EOF {
			return cairn.Errorf(cairn.Conflict, "The file has %d rows, but an import of it was broken off after %d: it was changed. Begin with its first row.", n, u.From.Report.Read).At("from-start")
		}
		if err != nil {
			return err
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if r.problem == nil {
			_, _ = u.plan.make(&r) // notes which rows have no id of their own
		}
	}
	u.report = u.From.Report
	return nil
}

func (u *run) all(ctx context.Context) error {
	for {
		r, err := u.next()
		if err == io.EOF {
			return u.flush(ctx)
		}
		if err != nil {
			if flushed := u.flush(ctx); flushed != nil {
				return flushed
			}
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		u.report.Read++
		u.take(r)
		if len(u.batch) >= importBatch {
			if err := u.flush(ctx); err != nil {
				return err
			}
			if u.Reached != nil && time.Since(u.marked) > markEvery {
				u.Reached(ctx, u.reached)
				u.marked = time.Now()
			}
		}
	}
}

// take makes the records of a row. One that cannot be read goes to the door
// all the same, which counts it and keeps it for the Sources page.
func (u *run) take(r row) {
	var recs []Record
	problem := r.problem
	if problem == nil {
		recs, problem = u.plan.make(&r)
	}
	if problem != nil {
		kind, _ := eventKind(u.Kind)
		recs = []Record{{Index: r.number, Kind: kind, Problem: problem, Body: string(r.raw)}}
	}
	if len(recs) == 0 {
		u.report.Skipped++
		return
	}
	if u.Made != nil && problem == nil {
		u.Made(r.number, recs)
	}
	u.batch = append(u.batch, recs...)
	u.rows = append(u.rows, pending{r, len(recs)})
}

// flush gives the batch to the door and counts what it says.
func (u *run) flush(ctx context.Context) error {
	if len(u.batch) == 0 {
		return nil
	}
	verdicts, err := u.Admit(ctx, u.batch)
	if err != nil {
		return err
	}
	if len(verdicts) != len(u.batch) {
		return cairn.Errorf(cairn.Internal, "The door gave %d answers to %d records.", len(verdicts), len(u.batch))
	}
	for _, p := range u.rows {
		if err := u.count(p, verdicts[:p.records]); err != nil {
			return err
		}
		verdicts = verdicts[p.records:]
	}
	u.batch, u.rows = u.batch[:0], u.rows[:0]
	u.reached = Mark{u.report}
	return nil
}

func (u *run) count(p pending, verdicts []Verdict) error {
	fresh := false
	for _, v := range verdicts {
		switch v.Status {
		case Rejected:
			u.report.Rejected++
			return u.refuse(p.row, v)
		case Accepted, Late:
			fresh = true
		}
	}
	if fresh {
		u.report.Accepted++
	} else {
		u.report.Duplicate++
	}
	return nil
}

func (u *run) refuse(r row, v Verdict) error {
	x := Refusal{Row: r.number, Field: u.plan.column(v.Field), Reason: v.Reason}
	if u.Refused != nil {
		u.Refused(x)
	}
	if u.Importer.Rejects == nil {
		return nil
	}
	if u.rejects == nil {
		w, err := newRejects(u.Importer.Rejects, u.table)
		if err != nil {
			return err
		}
		u.rejects, u.report.Rejects = w, w.path
	}
	return u.rejects.write(r, x, u.plan.key(&r))
}

// column returns the column that the field of a verdict was read from, or the
// field itself.
func (p *plan) column(field string) string {
	for i := range p.records {
		r := &p.records[i]
		of := map[string]*cell{
			"name": r.event, "at": r.at, "id": r.id, "account": r.account, "person": r.person,
			"anonymous": r.anonymous, "record": r.record, "product": r.product, "n": r.n, "via": r.via,
		}
		if r.via != nil {
			of[string(r.viaKind)] = r.via
		}
		for k := range r.fields {
			of[r.fields[k].name] = &r.fields[k].cell
		}
		if c := of[field]; c != nil && c.column != "" {
			return c.column
		}
	}
	return field
}

// A counted reader tells how much of it has been read.
type counted struct {
	r    io.Reader
	n    int64
	tell func(int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.tell(c.n)
	return n, err
}

// String writes a record on one line, as a dry run shows it.
func (r Record) String() string {
	var b strings.Builder
	b.WriteString(string(r.Kind))
	for _, p := range []struct{ name, text string }{
		{"", r.Name}, {"account", r.Keys.Account}, {"person", r.Keys.Person}, {"anonymous", r.Keys.Anonymous},
		{"record", r.Keys.Record}, {"through " + string(r.Via.Kind), r.Via.Key}, {"product", r.Product},
	} {
		if p.text == "" {
			continue
		}
		if p.name != "" {
			b.WriteString(" " + p.name)
		}
		b.WriteString(" " + strconv.Quote(p.text))
	}
	at := "now"
	if !r.At.IsZero() {
		at = r.At.UTC().Format(time.RFC3339)
	}
	b.WriteString(" at " + at)
	if r.N > 1 {
		fmt.Fprintf(&b, " counts %d", r.N)
	}
	if len(r.Props) > 0 {
		props, err := json.Marshal(r.Props)
		if err == nil {
			b.WriteString(" " + string(props))
		}
	}
	return b.String()
}
