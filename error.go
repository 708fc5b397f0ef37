package cairn

import (
	"errors"
	"fmt"
)

// A Kind says what sort of thing went wrong, for whoever must act on it.
type Kind int

// The kinds. Surfaces map each to a status in one place.
const (
	Internal    Kind = iota // a defect or an unforeseen failure
	Invalid                 // the request cannot be taken as it is; Field says what to correct
	Unauthentic             // who is asking is not known
	Forbidden               // who is asking may not
	NotFound                // no such thing, or none that this actor may see
	Conflict                // somebody else changed it first
	TooLarge                // over a stated limit
	TooMany                 // a rate limit; try again later
	Busy                    // another party is not answering; try again later
	Unavailable             // this server cannot take it now (disk full, shutting down); try again later
)

var kindNames = [...]string{"internal", "invalid", "unauthentic", "forbidden", "not_found", "conflict", "too_large", "too_many", "busy", "unavailable"}

func (k Kind) String() string {
	if k < 0 || int(k) >= len(kindNames) {
		return fmt.Sprintf("kind(%d)", int(k))
	}
	return kindNames[k]
}

// An Error is an error whose Text is safe to show to the actor. Errors of any
// other type are internal, and the actor sees only that something went wrong.
type Error struct {
	Kind  Kind
	Field string // what to correct, as a path such as "3.account"; may be empty
	Code  string // a word for this mistake that programs may rely on and counts are kept by; may be empty
	Text  string // one sentence for the actor
	Cause error  // for operators; never shown to the actor
}

// Errorf returns an error of a kind with a text that is safe to show.
// The text must not be made of another error's: use [Error.Because].
func Errorf(k Kind, format string, args ...any) *Error {
	return &Error{Kind: k, Text: fmt.Sprintf(format, args...)}
}

// At returns e naming the field to correct.
func (e *Error) At(field string) *Error {
	c := *e
	c.Field = field
	return &c
}

// Coded returns e with the word that programs know the mistake by.
func (e *Error) Coded(code string) *Error {
	c := *e
	c.Code = code
	return &c
}

// Because returns e with the cause that operators see in the log.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.Cause = cause
	return &c
}

// Error returns the text with the field and the cause: for logs, not for actors.
func (e *Error) Error() string {
	s := e.Text
	if e.Field != "" {
		s = e.Field + ": " + s
	}
	if e.Cause != nil {
		s += " (" + e.Cause.Error() + ")"
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }

// KindOf returns the kind of the first [Error] in err's tree, and Internal
// when there is none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// TextOf returns what the actor may read of err.
func TextOf(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Text
	}
	return "Something went wrong on our side. Nothing that was accepted is lost."
}
