package ingest

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// recordTypes are the types of message that the Segment HTTP API does not
// have: records of other systems, each with an id of its own. They are taken
// wherever a message names its type.
var recordTypes = []string{string(cairn.OfContract), string(cairn.OfInvoice), string(cairn.OfTicket), string(cairn.OfAnswer),
	string(cairn.OfRenewal), string(cairn.OfLoss), string(cairn.OfOpportunity)}

// ReadMessage reads one message that says everything itself: a call of the
// Segment HTTP API with its type, or a record. seen is when it arrived, by
// which the sender's clock is corrected. What is wrong with it becomes the
// Problem of the record.
func ReadMessage(raw []byte, seen time.Time) Record {
	return Envelope{}.record(0, item{raw, string(raw)}, seen)
}

// A Shared is what a record's message leaves to the request that carries it.
type Shared struct {
	Call    string         // the type, when the path says it
	Context map[string]any // of the batch
	SentAt  time.Time      // by the sender's clock
}

// shared returns what all messages of e share, and nil for nothing.
func (e Envelope) shared() *Shared {
	if e.call == "" && len(e.context) == 0 && e.SentAt.IsZero() {
		return nil
	}
	return &Shared{Call: e.call, Context: e.context, SentAt: e.SentAt}
}

// record reads what is particular to a record's message.
func (m *message) recordOf(kind cairn.EventKind, r *Record) {
	r.Kind, r.Name, r.Props = kind, m.text("name"), m.object("traits")
	r.Keys.Record = m.needed("id", "The id of the "+string(kind)+" is missing.")
}

// extras reads what a message may say beyond the Segment HTTP API: its account
// outside of the context, the record through which the account is found, the
// product, and how many times it counts.
func (m *message) extras(r *Record) {
	if r.Keys.Account == "" {
		r.Keys.Account = m.text("groupId")
	}
	r.Product = m.text("product")
	if v, ok := m.fields["count"]; ok && v != nil {
		s, _ := textOf(v)
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < 1 {
			m.refuse("count", CodeNumber, "It is not a whole number of 1 or more.")
		}
		r.N = n
	}
	through := m.object("through")
	for kind, v := range through {
		key, ok := textOf(v)
		if !ok || key == "" || len(through) > 1 {
			m.refuse("through", CodeText, "One record is needed, such as {\"contract\": \"c-17\"}.")
		}
		r.Via = Via{cairn.EventKind(kind), key}
	}
}

// Message writes r as one message that [ReadMessage] reads as the same record
// of the same id. A record that could not be read is what was sent.
func (r Record) Message() string {
	if r.Body != "" {
		return whole(r.Body, r.Shared)
	}
	m := map[string]any{}
	set := func(name, text string) {
		if text != "" {
			m[name] = text
		}
	}
	fields := "traits"
	switch r.Kind {
	case cairn.Track:
		set("type", "track")
		set("event", r.Name)
		fields = "properties"
	case cairn.OfAccount:
		set("type", "group")
	case cairn.OfPerson:
		set("type", "identify")
	default:
		set("type", string(r.Kind))
		set("name", r.Name)
	}
	set("id", r.Keys.Record)
	set("messageId", r.ID)
	set("groupId", r.Keys.Account)
	set("userId", r.Keys.Person)
	set("anonymousId", r.Keys.Anonymous)
	set("previousId", r.Keys.Previous)
	set("product", r.Product)
	if r.Via.Key != "" {
		m["through"] = map[string]any{string(r.Via.Kind): r.Via.Key}
	}
	if r.N > 1 {
		m["count"] = r.N
	}
	if at := r.Stamp; !at.IsZero() && at != undated {
		m["timestamp"] = at.UTC()
	} else if !r.At.IsZero() {
		m["timestamp"] = r.At.UTC()
	}
	if len(r.Props) > 0 {
		m[fields] = r.Props
	}
	if len(r.Context) > 0 {
		m["context"] = r.Context
	}
	b, err := object(m)
	if err != nil { // the properties cannot be written, so they are what is wrong
		delete(m, fields)
		b, _ = object(m)
	}
	return string(b)
}

// whole returns a message with what its request said for it, and without the
// key that it may hold.
func whole(body string, s *Shared) string {
	if s == nil {
		return body
	}
	m, ok := decodeObject([]byte(body))
	if !ok {
		return body
	}
	delete(m, "writeKey")
	if _, ok := m["type"]; !ok && s.Call != "" {
		m["type"] = s.Call
	}
	if own, ok := m["context"].(map[string]any); ok || m["context"] == nil {
		if c := merged(s.Context, own); len(c) > 0 {
			m["context"] = c
		}
	}
	if _, ok := m["sentAt"]; !ok && !s.SentAt.IsZero() {
		m["sentAt"] = s.SentAt.UTC()
	}
	b, err := object(m)
	if err != nil {
		return body
	}
	return string(b)
}

// Mask returns a message with stars in place of what is personal in it, and ""
// when it cannot be told, because it is not JSON.
func Mask(src Source, body string) string {
	m, ok := decodeObject([]byte(body))
	if !ok {
		return ""
	}
	kind := kindOfMessage(m)
	classes := newClasses(src)
	for name, v := range m {
		inner, object := v.(map[string]any)
		switch {
		case object && (name == "properties" || name == "traits"):
			open, sealed := classes.split(kind, inner)
			m[name] = overlay(open, sealed)
		case object && name == "context":
			m[name] = overlay(map[string]any{"groupId": inner["groupId"]}, personalContext(inner))
		case !slices.Contains(plainFields, name):
			m[name] = stars
		}
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return ""
	}
	return string(bytes.TrimSpace(b))
}

// quoted is what a reason quotes of a record.
var quoted = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// MaskReason returns why a record was refused with stars in place of what it
// quotes, unless the record as [Mask] shows it says the same.
func MaskReason(masked, reason string) string {
	return quoted.ReplaceAllStringFunc(reason, func(q string) string {
		if strings.Contains(masked, q[1:len(q)-1]) {
			return q
		}
		return `"` + stars + `"`
	})
}

// plainFields are the fields of a message that are not personal.
var plainFields = strings.Fields("type event name category id messageId groupId timestamp originalTimestamp sentAt product count through")

const stars = "•••"

// overlay returns open with stars for what is sealed.
func overlay(open, sealed map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range open {
		if v != nil {
			out[k] = v
		}
	}
	for k, v := range sealed {
		inner, ok := v.(map[string]any)
		beside, both := out[k].(map[string]any)
		if ok && both {
			out[k] = overlay(beside, inner)
			continue
		}
		out[k] = stars
	}
	return out
}

func kindOfMessage(m map[string]any) cairn.EventKind {
	switch t, _ := m["type"].(string); t {
	case "identify":
		return cairn.OfPerson
	case "group":
		return cairn.OfAccount
	case "track", "page", "screen", "":
		return cairn.Track
	default:
		return cairn.EventKind(t)
	}
}
