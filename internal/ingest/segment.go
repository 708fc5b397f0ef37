package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cairn"
)

// Limits of the Segment HTTP API; one event may have [MaxEvent] bytes.
const (
	MaxBatch       = 500 << 10 // bytes of one request
	MaxBatchEvents = 2500
)

// Calls are the calls of the Segment HTTP API that describe one thing; "batch"
// and "import" carry many of them.
var Calls = []string{"identify", "track", "page", "screen", "group", "alias"}

// An Envelope is what a request of the Segment HTTP API says as a whole.
type Envelope struct {
	WriteKey string
	SentAt   time.Time // by the sender's clock; zero: not said
	context  map[string]any
	items    []item
	call     string // empty: each item names its own
}

// An item is one message: its bytes, and the same as a text to be kept.
type item struct {
	raw  []byte
	text string
}

// ReadSegment reads the body of a call: one of [Calls], "batch" or "import".
// It fails, naming the byte, only when the body cannot be read as a whole;
// what is wrong with one item becomes the Problem of its record.
func ReadSegment(call string, body []byte) (Envelope, error) {
	if len(body) > MaxBatch {
		return Envelope{}, cairn.Errorf(cairn.TooLarge, "The request is larger than %d KB.", MaxBatch>>10)
	}
	body = bytes.TrimPrefix(body, []byte("\xef\xbb\xbf"))
	var outer struct {
		WriteKey json.RawMessage `json:"writeKey"`
		SentAt   json.RawMessage `json:"sentAt"`
		Context  json.RawMessage `json:"context"`
		Batch    json.RawMessage `json:"batch"`
	}
	if err := json.Unmarshal(body, &outer); err != nil {
		return Envelope{}, notJSON(body, err)
	}
	var e Envelope
	json.Unmarshal(outer.WriteKey, &e.WriteKey) // anything but a text is no key
	var sent string
	if json.Unmarshal(outer.SentAt, &sent) == nil {
		e.SentAt, _ = moment(sent)
	}
	if call != "batch" && call != "import" {
		e.call, e.items = call, []item{{body, string(body)}}
		return e, nil
	}
	if t := bytes.TrimSpace(outer.Batch); len(t) == 0 || t[0] != '[' {
		return Envelope{}, cairn.Errorf(cairn.Invalid, "A batch is an object with a list of calls.").At("batch")
	}
	var err error
	if e.items, err = itemsOf(outer.Batch); err != nil {
		return Envelope{}, notJSON(body, err)
	}
	e.context, _ = decodeObject(outer.Context)
	return e, nil
}

// notJSON says where a body stops being a JSON object.
func notJSON(body []byte, err error) error {
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		return cairn.Errorf(cairn.Invalid, "The body is not JSON: it cannot be read at byte %d.", syntax.Offset).Because(err)
	}
	at := len(body) - len(bytes.TrimLeft(body, " \t\r\n")) + 1
	return cairn.Errorf(cairn.Invalid, "The body must be a JSON object: something else begins at byte %d.", at).Because(err)
}

// Records returns one record per item, in order. seen is when the request
// arrived, by which the sender's clock is corrected.
func (e Envelope) Records(seen time.Time) []Record {
	out := make([]Record, len(e.items))
	shared := e.shared()
	for i, it := range e.items {
		out[i] = e.record(i, it, seen)
		out[i].Shared = shared
	}
	return out
}

func (e Envelope) record(i int, it item, seen time.Time) Record {
	refuse := func(problem *cairn.Error) Record {
		return Record{Index: i, Problem: problem, Body: it.text}
	}
	if i >= MaxBatchEvents {
		return refuse(cairn.Errorf(cairn.TooLarge, "A batch has at most %d events.", MaxBatchEvents).Coded(CodeLarge))
	}
	if len(it.raw) > MaxEvent {
		return refuse(cairn.Errorf(cairn.TooLarge, "The event is larger than %d KB.", MaxEvent>>10).Coded(CodeLarge))
	}
	fields, ok := decodeObject(it.raw)
	if !ok {
		return refuse(cairn.Errorf(cairn.Invalid, "An event must be a JSON object.").Coded(CodeJSON))
	}
	m := message{fields: fields}
	r := m.record(e)
	if m.problem != nil {
		return refuse(m.problem)
	}
	r.Index, r.Body = i, it.text
	if sent := m.sentAt(e.SentAt); !r.Stamp.IsZero() && !sent.IsZero() {
		r.At = seen.Add(r.Stamp.Sub(sent))
	}
	return r
}

// A message is one item. Its methods read fields; the first that cannot be
// read becomes the problem.
type message struct {
	fields  map[string]any
	problem *cairn.Error
}

func (m *message) refuse(field, code, text string) {
	if m.problem == nil {
		m.problem = cairn.Errorf(cairn.Invalid, "%s", text).At(field).Coded(code)
	}
}

// text reads a text or a number as text. Null and blank are "".
func (m *message) text(name string) string {
	v, ok := m.fields[name]
	if !ok || v == nil {
		return ""
	}
	s, ok := textOf(v)
	if !ok {
		m.refuse(name, CodeText, "It must be a text.")
		return ""
	}
	if problem := checkText(name, s); problem != nil && m.problem == nil {
		m.problem = problem
	}
	return s
}

// needed reads a text that may not be missing.
func (m *message) needed(name, text string) string {
	s := m.text(name)
	if s == "" {
		m.refuse(name, CodeMissing, text)
	}
	return s
}

func (m *message) object(name string) map[string]any {
	v, ok := m.fields[name]
	if !ok || v == nil {
		return nil
	}
	o, ok := v.(map[string]any)
	if !ok {
		m.refuse(name, CodeJSON, "It must be a JSON object.")
	}
	return o
}

// stamp returns the sender's own timestamp.
func (m *message) stamp() time.Time {
	for _, name := range []string{"originalTimestamp", "timestamp"} {
		v, ok := m.fields[name]
		if !ok || v == nil || v == "" {
			continue
		}
		t, ok := moment(v)
		switch {
		case !ok:
			m.refuse(name, CodeDate, "It is not a timestamp: ISO 8601 such as 2026-01-31T09:30:00Z is needed.")
		case t.Unix() <= 0:
			m.refuse(name, CodePast, "The time lies before 1970.")
		}
		return t
	}
	return time.Time{}
}

// sentAt returns the item's own sentAt, else that of its batch. One that
// cannot be read corrects nothing.
func (m *message) sentAt(ofBatch time.Time) time.Time {
	if s, ok := m.fields["sentAt"].(string); ok {
		if t, ok := moment(s); ok {
			return t
		}
	}
	return ofBatch
}

// record turns the item into what the door understands. integrations say
// which other tools a sender wants to feed and are not kept.
func (m *message) record(e Envelope) Record {
	call := e.call
	if call == "" {
		call = m.text("type")
		if !slices.Contains(Calls, call) && !slices.Contains(recordTypes, call) {
			m.refuse("type", CodeType, "It must be one of "+strings.Join(slices.Concat(Calls, recordTypes), ", ")+".")
		}
	}
	r := Record{
		ID:    m.text("messageId"),
		Stamp: m.stamp(),
		Keys:  cairn.Keys{Person: m.text("userId"), Anonymous: m.text("anonymousId")},
	}
	r.At = r.Stamp
	if utf8.RuneCountInString(r.ID) > MaxID {
		m.refuse("messageId", CodeLong, "It must be shorter than 100 characters.")
	}
	r.Context = merged(e.context, m.object("context"))
	if v, ok := r.Context["groupId"]; ok && v != nil {
		group := message{fields: r.Context}
		r.Keys.Account = group.text("groupId")
		if group.problem != nil {
			m.refuse("context.groupId", group.problem.Code, group.problem.Text)
		}
	}
	m.extras(&r)
	m.call(call, &r)
	if r.Keys.Person == "" && r.Keys.Anonymous == "" && slices.Contains(Calls, call) && call != "group" {
		m.refuse("userId", CodeMissing, "A userId or an anonymousId is needed.")
	}
	return r
}

// call reads what is particular to each of the calls.
func (m *message) call(call string, r *Record) {
	switch call {
	case "track":
		r.Kind, r.Name = cairn.Track, m.needed("event", "A track call needs the name of its event.")
		r.Props = m.object("properties")
	case "page":
		r.Kind, r.Name, r.Props = cairn.Track, "Page Viewed", m.view()
	case "screen":
		r.Kind, r.Name, r.Props = cairn.Track, "Screen Viewed", m.view()
	case "identify":
		r.Kind, r.Props = cairn.OfPerson, personTraits(m.object("traits"))
		if ids, ok := r.Context["externalIds"].([]any); ok && r.Props["external_ids"] == nil {
			if kept, problem := readIDs(ids, patch{}); problem == fine && len(ids) > 0 {
				r.Props["external_ids"] = kept
			}
		}
	case "group":
		r.Kind, r.Props = cairn.OfAccount, fieldNames(cairn.OfAccount, m.object("traits"))
		r.Keys.Account = m.needed("groupId", "A group call needs the id of its group.")
	case "alias":
		r.Kind = cairn.Alias
		r.Keys.Previous = m.needed("previousId", "An alias call needs the id that was used before.")
		m.needed("userId", "An alias call needs the id that is used now.")
	case "contract", "invoice", "ticket", "answer":
		m.recordOf(cairn.EventKind(call), r)
	}
}

// view returns the properties of a page or screen with its name and category.
func (m *message) view() map[string]any {
	props := m.object("properties")
	out := make(map[string]any, len(props)+2)
	for k, v := range props {
		out[k] = v
	}
	for _, name := range []string{"name", "category"} {
		if s := m.text(name); s != "" && out[name] == nil {
			out[name] = s
		}
	}
	return out
}

// merged lays an item's context over that of its batch.
func merged(batch, item map[string]any) map[string]any {
	if len(batch) == 0 {
		return item
	}
	out := make(map[string]any, len(batch)+len(item))
	for k, v := range batch {
		out[k] = v
	}
	for k, v := range item {
		out[k] = v
	}
	return out
}

// fieldNames returns traits with those that Segment writes in camel case under
// the names that the vocabulary gives them.
func fieldNames(kind cairn.EventKind, traits map[string]any) map[string]any {
	out := make(map[string]any, len(traits))
	for k, v := range traits {
		if snake := strings.Join(words(k), "_"); snake != k {
			_, known := vocabulary[kind][snake]
			if _, taken := traits[snake]; known && !taken {
				k = snake
			}
		}
		out[k] = v
	}
	return out
}

// personTraits are a person's fields; a name that came in two parts is also
// given whole, as Segment does.
func personTraits(traits map[string]any) map[string]any {
	out := fieldNames(cairn.OfPerson, traits)
	if _, named := out["name"]; named {
		return out
	}
	first, _ := traits["firstName"].(string)
	last, _ := traits["lastName"].(string)
	if name := strings.TrimSpace(first + " " + last); name != "" {
		out["name"] = name
	}
	return out
}
