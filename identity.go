package cairn

import (
	"crypto/hmac"
	"crypto/sha256"
)

// A Space is a set of ids within which one id means one thing. Sources that
// share their ids (the product, the billing and the CRM all say "acme") share
// the empty space; a source with ids of its own names one.
type Space string

// Account returns the id of the account that a source of this space calls key.
func (s Space) Account(key string) AccountID {
	return AccountID{HashID("account", string(s), key)}
}

// Record returns the id of a contract, invoice, ticket, answer or task.
func (s Space) Record(k EventKind, key string) RecordID {
	return RecordID{HashID("record", string(s), string(k), key)}
}

// A Pepper is the workspace's secret under which people's keys are hashed, so
// that nobody who holds the log alone can test whether an address is in it.
type Pepper []byte

func (p Pepper) hash(kind, space, key string) ID {
	h := hmac.New(sha256.New, p)
	id := HashID(kind, space, key)
	h.Write(id[:])
	var out ID
	copy(out[:], h.Sum(nil))
	return out
}

// Person returns the id of the person that a source of this space calls key.
func (p Pepper) Person(s Space, key string) PersonID {
	return PersonID{p.hash("person", string(s), key)}
}

// Anonymous returns the id of the visitor that a source calls key.
func (p Pepper) Anonymous(s Space, key string) PersonID {
	return PersonID{p.hash("anonymous", string(s), key)}
}

// Stream of an account, of a person or visitor, or of a record that is not
// known to belong to either.
func (a AccountID) Stream() StreamID { return StreamID{HashID("stream-account", a.String())} }

// Stream is where events of this person land that name no account.
func (p PersonID) Stream() StreamID { return StreamID{HashID("stream-person", p.String())} }

// Stream is where patches of this record land when neither its account nor
// its person is known.
func (r RecordID) Stream() StreamID { return StreamID{HashID("stream-record", r.String())} }

// Record is the record under which an account's own fields are kept.
func (a AccountID) Record() RecordID { return RecordID(a) }

// Record is the record under which a person's own fields are kept.
func (p PersonID) Record() RecordID { return RecordID(p) }
