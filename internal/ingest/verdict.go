package ingest

import "cairn"

// A Status is what became of a record.
type Status string

// The statuses. Late is accepted, with a time on an earlier day.
const (
	Accepted  Status = "accepted"
	Duplicate Status = "duplicate"
	Late      Status = "late"
	Rejected  Status = "rejected"
)

// A Verdict is the answer for one record.
type Verdict struct {
	Index  int           `json:"index"`
	Status Status        `json:"status"`
	ID     cairn.EventID `json:"id,omitzero"`      // of the event that stands in the log; zero when rejected
	Code   string        `json:"code,omitempty"`   // why it was rejected, in a word that programs may rely on
	Field  string        `json:"field,omitempty"`  // what to correct
	Reason string        `json:"reason,omitempty"` // in a sentence
	Note   string        `json:"note,omitempty"`   // of a record that was taken: what was kept otherwise than sent
}

// The codes of what is wrong with a record. They are counted for ever, so that
// their meaning never changes; new ones may be added.
const (
	CodeMissing  = "missing"       // a field that is needed is absent or empty
	CodeJSON     = "not_json"      // it is not JSON, or not of the shape that is needed
	CodeType     = "unknown_type"  // no such kind of record
	CodeText     = "not_text"      // it is not a text, or holds what no text may
	CodeDate     = "not_a_date"    // it cannot be read as a time
	CodeNumber   = "not_a_number"  // it cannot be read as a number or an amount
	CodeValue    = "unknown_value" // it is not one of the words that are known
	CodeRange    = "out_of_range"  // it is a number outside of what is possible
	CodePast     = "before_1970"
	CodeFuture   = "in_the_future" // only of files
	CodeLong     = "too_long"      // a text is
	CodeLarge    = "too_large"     // the whole record is
	CodeUnknown  = "not_known"     // it names something that was not met yet
	CodeAllowed  = "not_allowed"   // the key may not write it
	CodeContract = "contract"      // it is not what the source's contract says
	CodeInvalid  = "invalid"       // anything else
)

// Codes are all codes, in the order of their meaning.
var Codes = []string{
	CodeMissing, CodeJSON, CodeType, CodeText, CodeDate, CodeNumber, CodeValue, CodeRange,
	CodePast, CodeFuture, CodeLong, CodeLarge, CodeUnknown, CodeAllowed, CodeContract, CodeInvalid,
}

// codeOf returns the code of what is wrong with a record.
func codeOf(problem *cairn.Error) string {
	switch {
	case problem.Code != "":
		return problem.Code
	case problem.Kind == cairn.TooLarge:
		return CodeLarge
	}
	return CodeInvalid
}

// rejection is the verdict for a record that cannot be taken.
func rejection(r Record, problem *cairn.Error) Verdict {
	return Verdict{Index: r.Index, Status: Rejected, Code: codeOf(problem), Field: problem.Field, Reason: problem.Text}
}
