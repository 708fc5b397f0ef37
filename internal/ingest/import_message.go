package ingest

import "cairn"

// Messages is the kind of files each line of which is a whole message: a call
// of the Segment HTTP API with its type, or a record, as the front door takes
// them one by one.
const Messages = "messages"

func (u *run) prepareMessages() error {
	switch {
	case u.Mapping != nil:
		return cairn.Errorf(cairn.Invalid, "Messages say themselves what they are: they are imported without a mapping.").At("map")
	case u.table.separator() != 0:
		return cairn.Errorf(cairn.Invalid, "Messages stand one to a line as JSON objects. If the file is so, say --format ndjson.").At("format")
	}
	u.plan = &plan{kind: Messages, messages: true, now: u.Now, asOf: u.AsOf, seen: map[uint64]struct{}{}, again: map[uint64]int{}}
	return nil
}

// message makes the record of a row that is a message. Its timestamp is when
// it happened; when it was sent says nothing about that here, since a file is
// not being sent.
func (in *reading) message() (Record, *cairn.Error) {
	if len(in.row.raw) > MaxEvent {
		return Record{}, cairn.Errorf(cairn.Invalid, "The message is larger than %d KB.", MaxEvent>>10).Coded(CodeLarge)
	}
	m := message{fields: in.row.object}
	r := m.record(Envelope{})
	if m.problem != nil {
		return r, m.problem
	}
	r.Index = in.row.number
	if r.Stamp.IsZero() {
		if in.plan.asOf.IsZero() && r.Kind == cairn.Track {
			return r, cairn.Errorf(cairn.Invalid, "The time is missing.").At("timestamp").Coded(CodeMissing)
		}
		r.At, r.Stamp = in.plan.asOf, in.plan.asOf
	}
	if r.At.IsZero() {
		r.Stamp = undated
	}
	if r.ID == "" {
		r.ID = in.id(0)
	}
	return r, nil
}
