package cairn

import (
	"encoding/json"
	"fmt"
	"time"
)

// EventKind says what an event does besides having happened.
type EventKind string

// The kinds of event. Those of a record are patches from a source: an absent
// field is left alone, null clears it (see [Fact]).
const (
	Track       EventKind = "track"       // somebody did something: a click, a page, a feature used
	Interaction EventKind = "interaction" // a note, call, meeting or mail written down by the team
	Alias       EventKind = "alias"       // two keys of one person are one
	OfAccount   EventKind = "account"     // a patch of an account; with a person's key also "this person belongs to it"
	OfPerson    EventKind = "person"      // a patch of a person; with an account's key also "belongs to it"
	OfContract  EventKind = "contract"
	OfInvoice   EventKind = "invoice"
	OfTicket    EventKind = "ticket"
	OfAnswer    EventKind = "answer"   // an answered survey question
	OfTask      EventKind = "task"     // planned, done, snoozed, dismissed
	OfIdentity  EventKind = "identity" // whose an id is: see [Tie]

	OfRenewal     EventKind = "renewal"     // what is forecast of one contract's renewal, what is next, how it ended
	OfLoss        EventKind = "loss"        // why a customer left
	OfOpportunity EventKind = "opportunity" // a customer may buy more
)

// RecordKinds are the kinds of event that patch a record.
var RecordKinds = []EventKind{OfAccount, OfPerson, OfContract, OfInvoice, OfTicket, OfAnswer, OfTask, OfRenewal, OfLoss, OfOpportunity}

// IsRecord reports whether events of this kind patch a record.
func (k EventKind) IsRecord() bool {
	for _, r := range RecordKinds {
		if k == r {
			return true
		}
	}
	return false
}

// Keys are the ids as the sender gave them. The log keeps the account's as
// sent and the others sealed.
type Keys struct {
	Account   string `json:"account,omitempty"`
	Person    string `json:"person,omitempty"`    // userId
	Anonymous string `json:"anonymous,omitempty"` // anonymousId
	Record    string `json:"record,omitempty"`    // id of a contract, invoice, ticket or other record
	Previous  string `json:"previous,omitempty"`  // alias: the key that was used before
}

// A Position is a place in the log: a partition and the number within it,
// which starts at 1 and has no gaps.
type Position struct {
	Part int   `json:"part"` // 0..63
	N    int64 `json:"n"`
}

// Key packs p into one number that sorts by partition and then by place.
func (p Position) Key() int64 { return int64(p.Part)<<48 | p.N }

// PositionOf unpacks what [Position.Key] packed.
func PositionOf(key int64) Position {
	return Position{Part: int(key >> 48), N: key & (1<<48 - 1)}
}

func (p Position) String() string { return fmt.Sprintf("%d/%d", p.Part, p.N) }

// An Event is one thing that happened, from one source, under the producer's
// own id. Props holds what may be read by everybody; Personal holds what is
// sealed under the key of Subject and is empty once that key is destroyed.
type Event struct {
	ID      EventID
	Pos     Position // zero until admitted
	Stream  StreamID // what it was admitted to; never changes
	Kind    EventKind
	Name    string // "Report Created"; for records the verb, such as "updated"
	Source  string // name of the source, such as "segment"
	Product string // empty: the only or main product
	At      time.Time
	Seen    time.Time
	Stamp   time.Time // the sender's own timestamp, which a retry repeats; zero: none
	Account AccountID // of Keys.Account; zero when none was sent
	Person  PersonID  // of Keys.Person; zero when none was sent
	Anon    PersonID  // of Keys.Anonymous, of an alias Keys.Previous; zero when none was sent
	Record  RecordID  // of Keys.Record, or of the account or person that is patched; of an alias: the person Keys.Previous
	Keys    Keys
	N       int64 // how many times it counts; 1 unless a row stands for several
	Skewed  bool  // At was more than five minutes after Seen and became Seen
	// Props and Personal are JSON objects; nil when empty. A record's patch
	// stands in them field by field.
	Props    json.RawMessage
	Personal json.RawMessage
}

// Subject is whose key seals the personal part of e: the person's, else the
// anonymous visitor's, else the stream's.
func (e *Event) Subject() ID {
	switch {
	case !e.Person.IsZero():
		return e.Person.ID
	case !e.Anon.IsZero():
		return e.Anon.ID
	}
	return e.Stream.ID
}
