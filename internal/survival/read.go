package survival

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"cairn"
)

// Columns name the columns of a table of lifetimes. What is empty is looked
// for under the names that such columns are commonly called by; Entry and
// Group are only used when they are named.
type Columns struct {
	Time  string
	Event string
	Entry string
	Group string
}

// A Group is the lifetimes of one group.
type Group struct {
	Name string // "" when all are together
	Lifetimes
}

// A Table is what was read.
type Table struct {
	Groups []Group // in order of name
	Rows   int
	Left   int // rows left out, since the time, the event, the entry or the group is not told
}

var (
	timeNames  = []string{"time", "t", "duration", "tenure", "lifetime", "months", "days", "week"}
	eventNames = []string{"event", "e", "ended", "status", "churn", "churned", "dead", "arrest", "observed"}
)

// Read reads lifetimes from CSV with a heading. An event is told by 1 or 0,
// true or false, yes or no; where a column holds 1 and 2 and nothing else, 2
// is the event, as R has it. A row that lacks a cell is left out and counted.
func Read(r io.Reader, names Columns) (Table, error) {
	rows, head, err := open(r)
	if err != nil {
		return Table{}, err
	}
	timeAt, err := head.find(names.Time, "time", timeNames)
	if err != nil {
		return Table{}, err
	}
	eventAt, err := head.find(names.Event, "event", eventNames)
	if err != nil {
		return Table{}, err
	}
	entryAt, groupAt := -1, -1
	if names.Entry != "" {
		if entryAt, err = head.find(names.Entry, "entry", nil); err != nil {
			return Table{}, err
		}
	}
	if names.Group != "" {
		if groupAt, err = head.find(names.Group, "group", nil); err != nil {
			return Table{}, err
		}
	}
	b := builder{at: map[string]int{}, entries: entryAt >= 0}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return b.Table, unreadable(err)
		}
		b.Rows++
		cell := func(i int) string {
			if i < 0 {
				return ""
			}
			return strings.TrimSpace(row[i])
		}
		if unknown(cell(timeAt)) || unknown(cell(eventAt)) || entryAt >= 0 && unknown(cell(entryAt)) || groupAt >= 0 && unknown(cell(groupAt)) {
			b.Left++
			continue
		}
		if err := b.add(cell(timeAt), cell(eventAt), cell(entryAt), cell(groupAt)); err != nil {
			return b.Table, err
		}
	}
	return b.finish(head.names[eventAt])
}

// unknown reports whether a cell says that a value is missing.
func unknown(s string) bool { return s == "" || s == "NA" || s == "NaN" }

// A builder sorts rows into groups.
type builder struct {
	Table
	at      map[string]int // of Groups, by name
	entries bool
	codes   [][]byte // by group, what the event's cell said: 0, 1 or 2
	none    bool     // some cell said 0
	two     bool     // some cell said 2
}

// add takes in one row, whose memory is used again for the next.
func (b *builder) add(time, event, entry, group string) *cairn.Error {
	i, ok := b.at[group]
	if !ok {
		i = len(b.Groups)
		group = strings.Clone(group)
		b.at[group] = i
		b.Groups, b.codes = append(b.Groups, Group{Name: group}), append(b.codes, nil)
	}
	g := &b.Groups[i]
	t, err := strconv.ParseFloat(time, 64)
	if err != nil {
		return b.wrong("time", time, "a number")
	}
	code, ok := eventCode(event)
	if !ok {
		return b.wrong("event", event, "1 or 0, true or false, yes or no")
	}
	b.none, b.two = b.none || code == 0, b.two || code == 2
	g.Time, b.codes[i] = append(g.Time, t), append(b.codes[i], code)
	if b.entries {
		e, err := strconv.ParseFloat(entry, 64)
		if err != nil {
			return b.wrong("entry", entry, "a number")
		}
		g.Entry = append(g.Entry, e)
	}
	return nil
}

func (b *builder) wrong(column, cell, want string) *cairn.Error {
	return cairn.Errorf(cairn.Invalid, "Row %d says %q: %s is needed.", b.Rows, cell, want).At(column)
}

func eventCode(s string) (byte, bool) {
	switch strings.ToLower(s) {
	case "1", "1.0", "true", "yes", "y":
		return 1, true
	case "0", "0.0", "false", "no", "n":
		return 0, true
	case "2", "2.0":
		return 2, true
	}
	return 0, false
}

func (b *builder) finish(event string) (Table, error) {
	switch {
	case len(b.Groups) == 0:
		return b.Table, cairn.Errorf(cairn.Invalid, "The file has no row that tells a lifetime.")
	case b.two && b.none:
		return b.Table, cairn.Errorf(cairn.Invalid, "The column holds 0 and 2: an event is told by 1 and 0, or by 2 and 1.").At(event)
	}
	for i := range b.Groups {
		for _, c := range b.codes[i] {
			b.Groups[i].Ended = append(b.Groups[i].Ended, c == 2 || c == 1 && !b.two)
		}
		if err := b.Groups[i].Check(); err != nil {
			return b.Table, err
		}
	}
	slices.SortFunc(b.Groups, func(x, y Group) int { return strings.Compare(x.Name, y.Name) })
	return b.Table, nil
}

// ReadSurvivors reads a table of how many were left at the end of each
// period: a column of periods that begins with 0 and leaves none out, and one
// of survivors, as counts or shares. Groups, when named, each have a table.
func ReadSurvivors(r io.Reader, period, survivors, group string) (map[string][]float64, error) {
	rows, head, err := open(r)
	if err != nil {
		return nil, err
	}
	periodAt, err := head.find(period, "time", []string{"year", "period", "timeperiod", "time", "month", "t"})
	if err != nil {
		return nil, err
	}
	groupAt := -1
	if group != "" {
		if groupAt, err = head.find(group, "group", nil); err != nil {
			return nil, err
		}
	}
	countAt, err := head.find(survivors, "survivors", []string{"survivors", "left", "value", "customers", "n"})
	if err != nil {
		if survivors != "" || len(head.names) != 2 {
			return nil, err
		}
		countAt = 1 - periodAt
	}
	found := map[string]map[int]float64{}
	for n := 1; ; n++ {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err)
		}
		t, err := strconv.Atoi(strings.TrimSpace(row[periodAt]))
		if err != nil || t < 0 {
			return nil, cairn.Errorf(cairn.Invalid, "Row %d says %q: a whole number of periods is needed.", n, row[periodAt]).At(head.names[periodAt])
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(row[countAt]), 64)
		if err != nil {
			return nil, cairn.Errorf(cairn.Invalid, "Row %d says %q: a number of survivors is needed.", n, row[countAt]).At(head.names[countAt])
		}
		name := ""
		if groupAt >= 0 {
			name = strings.Clone(strings.TrimSpace(row[groupAt]))
		}
		if found[name] == nil {
			found[name] = map[int]float64{}
		}
		if _, twice := found[name][t]; twice {
			return nil, cairn.Errorf(cairn.Invalid, "Row %d tells period %d again; --group names the column that tells several tables apart.", n, t).At(head.names[periodAt])
		}
		found[name][t] = v
	}
	return inOrder(found, head.names[periodAt])
}

func inOrder(found map[string]map[int]float64, column string) (map[string][]float64, error) {
	if len(found) == 0 {
		return nil, cairn.Errorf(cairn.Invalid, "The file has no row.")
	}
	out := map[string][]float64{}
	for name, at := range found {
		for t := range len(at) {
			v, ok := at[t]
			if !ok {
				return nil, cairn.Errorf(cairn.Invalid, "Period %d is missing: the table begins with period 0, when all were there, and leaves none out.", t).At(column)
			}
			out[name] = append(out[name], v)
		}
	}
	return out, nil
}

// A heading is the first row of a file.
type heading struct{ names []string }

func open(r io.Reader) (*csv.Reader, heading, error) {
	buffered := bufio.NewReaderSize(r, 1<<16)
	if mark, _ := buffered.Peek(3); string(mark) == "\ufeff" {
		buffered.Discard(3)
	}
	rows := csv.NewReader(buffered)
	rows.ReuseRecord = true
	names, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, heading{}, cairn.Errorf(cairn.Invalid, "The file is empty: a heading and rows are needed.")
	}
	if err != nil {
		return nil, heading{}, unreadable(err)
	}
	return rows, heading{slices.Clone(names)}, nil
}

func unreadable(err error) error {
	var p *csv.ParseError
	if errors.As(err, &p) {
		return cairn.Errorf(cairn.Invalid, "Line %d is not CSV like the heading: %v.", p.Line, p.Err)
	}
	return err
}

// find returns the column of a name, or of the first of the common ones.
func (h heading) find(name, flag string, common []string) (int, error) {
	plain := strings.NewReplacer("_", "", "-", "", " ", "", ".", "")
	if name != "" {
		if i := slices.Index(h.names, name); i >= 0 {
			return i, nil
		}
	}
	for _, want := range append([]string{name}, common...) {
		for i, n := range h.names {
			if want != "" && strings.EqualFold(plain.Replace(n), plain.Replace(want)) && (name == "" || want == name) {
				return i, nil
			}
		}
	}
	if name != "" {
		return 0, cairn.Errorf(cairn.Invalid, "The file has no column %q; it has %s.", name, strings.Join(h.names, ", ")).At(flag)
	}
	return 0, cairn.Errorf(cairn.Invalid, "Which column is meant? Name one of %s with --%s.", strings.Join(h.names, ", "), flag).At(flag)
}
