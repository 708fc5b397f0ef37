package ingest

import (
	"context"
	"strconv"
	"time"

	"cairn"
)

// A RejectState says what became of a record that was refused.
type RejectState string

// The states. Of a source so many are kept as the workspace says; those that
// are closed make room first.
const (
	RejectOpen      RejectState = "open"
	RejectReplayed  RejectState = "replayed" // sent through the door again, and taken
	RejectDismissed RejectState = "dismissed"
)

// A Reject is a record that was refused, kept so that it can be mended and
// sent through the door again. What it contains is sealed like everything
// personal, and so is the reason, which may quote it.
type Reject struct {
	ID     int64          `json:"id"`
	Source string         `json:"source"`
	State  RejectState    `json:"state"`
	Seen   time.Time      `json:"seen"`
	Index  int            `json:"index"` // its place in what was sent
	File   bool           `json:"file"`  // it came from a file
	Code   string         `json:"code"`
	Field  string         `json:"field"`
	Reason string         `json:"reason"`
	Person cairn.PersonID `json:"-"`                // whom it names; zero: nobody
	Body   string         `json:"body,omitempty"`   // the message as sent, at most 32 KiB
	Mended string         `json:"mended,omitempty"` // as mended; empty: nobody did

	By      string        `json:"by,omitempty"`      // who mended or closed it last
	Closed  time.Time     `json:"closed,omitzero"`   // when it was replayed or dismissed
	Outcome Status        `json:"outcome,omitempty"` // of the replay
	Event   cairn.EventID `json:"event,omitzero"`    // that the replay made, or that was there
	Again   *Refused      `json:"again,omitempty"`   // the replay was refused too
}

// A Refused is why a replay was refused.
type Refused struct {
	At     time.Time `json:"at"`
	Code   string    `json:"code"`
	Field  string    `json:"field"`
	Reason string    `json:"reason"`
}

// Text is the message as it stands: as mended, else as sent.
func (j Reject) Text() string {
	if j.Mended != "" {
		return j.Mended
	}
	return j.Body
}

// record reads the message as the record that it would have been then: the
// sender's clock is corrected by when it arrived, and a record without a time
// happened when it arrived. One without an id gets one of the reject's own, so
// that it counts once however often it is replayed.
func (j Reject) record(i int) Record {
	r := ReadMessage([]byte(j.Text()), j.Seen)
	r.Index = i
	if r.Problem != nil {
		return r
	}
	if r.ID == "" && r.Stamp.IsZero() && !j.File {
		r.ID = "reject-" + strconv.FormatInt(j.ID, 10)
	}
	if r.At.IsZero() {
		r.At = j.Seen
	}
	switch {
	case !r.Stamp.IsZero():
	case j.File:
		r.Stamp = undated
	default:
		r.Stamp = j.Seen
	}
	return r
}

// A RejectQuery asks for rejects, newest first.
type RejectQuery struct {
	Source string      `json:"source"` // empty: of all sources
	State  RejectState `json:"state"`  // empty: open
	Any    bool        `json:"any"`    // in whatever state
	Code   string      `json:"code"`   // empty: any
	Field  string      `json:"field"`  // empty: any
	From   time.Time   `json:"from,omitzero"`
	To     time.Time   `json:"to,omitzero"` // exclusive
	Text   string      `json:"text"`        // contained in the message, in any case
	IDs    []int64     `json:"ids"`         // of these; empty: all
	Before int64       `json:"before"`      // with a lower id; 0: from the newest
	Limit  int         `json:"limit"`       // 0 is 50
}

// A RejectCount says how many records of a source were refused for one reason,
// for ever.
type RejectCount struct {
	Source    string    `json:"source"`
	Code      string    `json:"code"`
	Field     string    `json:"field"`
	Refused   int64     `json:"refused"`
	Replayed  int64     `json:"replayed"`
	Dismissed int64     `json:"dismissed"`
	Evicted   int64     `json:"evicted"` // their text had to make room for newer ones, unmended
	Last      time.Time `json:"last"`    // when the newest came
}

// Open is how many wait to be mended or dismissed.
func (c RejectCount) Open() int64 { return c.Refused - c.Replayed - c.Dismissed - c.Evicted }

// A Closing is what becomes of a reject. State RejectOpen opens it again, with
// Again when a replay was refused.
type Closing struct {
	ID      int64
	State   RejectState
	Outcome Status
	Event   cairn.EventID
	Again   *Refused
}

// Rejects keeps what was refused. Only a scope of everything sees them, since
// they belong to no account.
type Rejects interface {
	// Refused returns rejects, newest first.
	Refused(ctx context.Context, scope cairn.Scope, q RejectQuery) ([]Reject, error)
	// RefusedCount counts what Refused would return without a limit.
	RefusedCount(ctx context.Context, scope cairn.Scope, q RejectQuery) (int64, error)
	// RejectCounts returns the counts of a source (empty: of all), the most first.
	RejectCounts(ctx context.Context, scope cairn.Scope, source string) ([]RejectCount, error)
	// MendRejects keeps the messages as mended, by id; what was sent is kept
	// beside them. An empty text takes the mending back.
	MendRejects(ctx context.Context, by cairn.Actor, texts map[int64]string) error
	// CloseRejects says what became of rejects.
	CloseRejects(ctx context.Context, by cairn.Actor, at time.Time, closings []Closing) error
}

// A Mender mends what was refused and sends it through the door again.
type Mender struct {
	Rejects
	Door   *Door
	Source func(ctx context.Context, name string) (Source, error)
}

// atOnce is how many rejects are mended or replayed together.
const atOnce = 500

// A Tally says what became of many rejects.
type Tally struct {
	Matched   int64 `json:"matched"`
	Changed   int64 `json:"changed"` // by a patch
	Accepted  int64 `json:"accepted"`
	Late      int64 `json:"late"`
	Duplicate int64 `json:"duplicate"`
	Rejected  int64 `json:"rejected"` // refused again
}

// Reject returns one reject, in whatever state.
func (m *Mender) Reject(ctx context.Context, scope cairn.Scope, id int64) (Reject, error) {
	found, err := m.Refused(ctx, scope, RejectQuery{IDs: []int64{id}, Any: true})
	switch {
	case err != nil:
		return Reject{}, err
	case len(found) == 0:
		return Reject{}, cairn.Errorf(cairn.NotFound, "There is no rejected record %d any more.", id).At("id")
	}
	return found[0], nil
}

// Check says for each reject what the door would say of it now.
func (m *Mender) Check(ctx context.Context, rs []Reject) ([]Verdict, error) {
	return m.each(ctx, rs, func(src Source, recs []Record) ([]Verdict, error) { return m.Door.Check(ctx, src, recs) })
}

// replay sends rejects through the door and writes down what became of them.
// What is refused again stays open; it is neither counted nor kept once more.
func (m *Mender) replay(ctx context.Context, by cairn.Actor, rs []Reject) ([]Verdict, error) {
	verdicts, err := m.each(ctx, rs, func(src Source, recs []Record) ([]Verdict, error) {
		v, _, err := m.Door.admit(ctx, src, recs)
		return v, err
	})
	if err != nil {
		return nil, err
	}
	now := m.Door.Now().UTC()
	closings := make([]Closing, len(rs))
	for i, v := range verdicts {
		closings[i] = Closing{ID: rs[i].ID, State: RejectReplayed, Outcome: v.Status, Event: v.ID}
		if v.Status == Rejected {
			closings[i] = Closing{ID: rs[i].ID, State: RejectOpen, Again: &Refused{At: now, Code: v.Code, Field: v.Field, Reason: v.Reason}}
		}
	}
	return verdicts, m.CloseRejects(ctx, by, now, closings)
}

// each gives rejects to do by their source and returns a verdict for each.
func (m *Mender) each(ctx context.Context, rs []Reject, do func(Source, []Record) ([]Verdict, error)) ([]Verdict, error) {
	type door struct {
		source string
		file   bool
	}
	groups := map[door][]int{}
	for i, j := range rs {
		k := door{j.Source, j.File}
		groups[k] = append(groups[k], i)
	}
	out := make([]Verdict, len(rs))
	for k, places := range groups {
		src, err := m.Source(ctx, k.source)
		if cairn.KindOf(err) == cairn.NotFound && err != nil {
			src, err = Source{Name: k.source, Several: Unclaimed}, nil // as an import's, which nobody has to add
		}
		if err != nil {
			return nil, err
		}
		src.File = k.file
		recs := make([]Record, len(places))
		for n, i := range places {
			recs[n] = rs[i].record(i)
		}
		verdicts, err := do(src, recs)
		if err != nil {
			return nil, err
		}
		for n, i := range places {
			out[i] = verdicts[n]
		}
	}
	return out, nil
}

// Replay sends what a query finds and is open through the door again, oldest
// first, as it would have come.
func (m *Mender) Replay(ctx context.Context, by cairn.Actor, q RejectQuery) (Tally, error) {
	q.State, q.Any = RejectOpen, false
	return m.all(ctx, by, q, func(rs []Reject, t *Tally) error {
		verdicts, err := m.replay(ctx, by, rs)
		for _, v := range verdicts {
			t.add(v.Status)
		}
		return err
	})
}

func (t *Tally) add(s Status) {
	switch s {
	case Accepted:
		t.Accepted++
	case Late:
		t.Late++
	case Duplicate:
		t.Duplicate++
	case Rejected:
		t.Rejected++
	}
}

// Move gives everything that a query finds another state: dismissed, or open
// again. What was replayed is in the log and stays as it is.
func (m *Mender) Move(ctx context.Context, by cairn.Actor, q RejectQuery, to RejectState) (Tally, error) {
	from := RejectOpen
	switch to {
	case RejectDismissed:
	case RejectOpen:
		from = RejectDismissed
	default:
		return Tally{}, cairn.Errorf(cairn.Invalid, "A rejected record can be dismissed, or opened again.").At("state")
	}
	q.State, q.Any = from, false
	return m.all(ctx, by, q, func(rs []Reject, t *Tally) error {
		closings := make([]Closing, len(rs))
		for i, j := range rs {
			closings[i] = Closing{ID: j.ID, State: to, Again: j.Again}
		}
		t.Changed += int64(len(rs))
		return m.CloseRejects(ctx, by, m.Door.Now().UTC(), closings)
	})
}

// Apply mends everything that a query finds by a patch.
func (m *Mender) Apply(ctx context.Context, by cairn.Actor, q RejectQuery, p Patch) (Tally, error) {
	if err := p.Check(); err != nil {
		return Tally{}, err
	}
	q.State, q.Any = RejectOpen, false
	return m.all(ctx, by, q, func(rs []Reject, t *Tally) error {
		texts := map[int64]string{}
		for _, j := range rs {
			if text, changed := p.Apply(j.Text()); changed {
				texts[j.ID] = text
			}
		}
		t.Changed += int64(len(texts))
		return m.MendRejects(ctx, by, texts)
	})
}

// all hands everything that a query finds to do, some at a time, oldest first.
// The ids are found before anything is done, so that what do changes does not
// change what is found.
func (m *Mender) all(ctx context.Context, by cairn.Actor, q RejectQuery, do func([]Reject, *Tally) error) (Tally, error) {
	var t Tally
	if by.Kind == "" {
		return t, cairn.Errorf(cairn.Forbidden, "Only who is signed in may mend what was rejected.")
	}
	var ids []int64
	for q.Limit = atOnce; ; {
		some, err := m.Refused(ctx, by.Scope(), q)
		if err != nil {
			return t, err
		}
		for _, j := range some {
			ids = append(ids, j.ID)
		}
		if len(some) < q.Limit {
			break
		}
		q.Before = some[len(some)-1].ID
	}
	for len(ids) > 0 {
		n := min(len(ids), atOnce)
		some := ids[len(ids)-n:]
		ids = ids[:len(ids)-n]
		rs, err := m.Refused(ctx, by.Scope(), RejectQuery{IDs: some, State: q.State, Limit: n})
		if err != nil {
			return t, err
		}
		for i, k := 0, len(rs)-1; i < k; i, k = i+1, k-1 {
			rs[i], rs[k] = rs[k], rs[i]
		}
		t.Matched += int64(len(rs))
		if err := do(rs, &t); err != nil {
			return t, err
		}
	}
	return t, nil
}

// Mend keeps the text of one reject as somebody edited it. It need not be
// right yet; it must be a JSON object, so that it can be read at all.
func (m *Mender) Mend(ctx context.Context, by cairn.Actor, id int64, text string) error {
	j, err := m.Reject(ctx, by.Scope(), id)
	switch {
	case err != nil:
		return err
	case j.State == RejectReplayed:
		return cairn.Errorf(cairn.Conflict, "This record was replayed already: what is in the log is not changed.").At("id")
	case len(text) > MaxEvent:
		return cairn.Errorf(cairn.TooLarge, "The record is larger than %d KB.", MaxEvent>>10).At("text")
	}
	if _, ok := decodeObject([]byte(text)); !ok {
		return cairn.Errorf(cairn.Invalid, "This is not a JSON object, so nothing was saved.").At("text")
	}
	if text == j.Body {
		text = ""
	}
	return m.MendRejects(ctx, by, map[int64]string{id: text})
}

// A Preview is one reject with what a patch would make of it and what the door
// would say then.
type Preview struct {
	Reject  Reject  `json:"reject"`
	After   string  `json:"after"`
	Changed bool    `json:"changed"`
	Verdict Verdict `json:"verdict"`
}

// Preview shows a patch on the newest that a query finds, and changes nothing.
// Without steps it shows what the door would say of them as they are.
func (m *Mender) Preview(ctx context.Context, scope cairn.Scope, q RejectQuery, p Patch) ([]Preview, error) {
	if len(p) > 0 {
		if err := p.Check(); err != nil {
			return nil, err
		}
	}
	q.State, q.Any = RejectOpen, false
	rs, err := m.Refused(ctx, scope, q)
	if err != nil {
		return nil, err
	}
	out := make([]Preview, len(rs))
	as := make([]Reject, len(rs))
	for i, j := range rs {
		out[i].Reject = j
		out[i].After, out[i].Changed = p.Apply(j.Text())
		as[i] = j
		as[i].Mended = out[i].After
	}
	verdicts, err := m.Check(ctx, as)
	for i, v := range verdicts {
		out[i].Verdict = v
	}
	return out, err
}
