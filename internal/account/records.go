package account

import (
	"context"

	"cairn"
)

// A RecordsQuery asks for a page of the records of one kind.
type RecordsQuery struct {
	Kind     cairn.EventKind
	Account  cairn.AccountID  // of this one; zero: of all
	IDs      []cairn.RecordID // these only; none: all
	After    RecordPlace      // zero: from the first
	Limit    int
	Personal bool // with fields that are personal
}

// A RecordPlace is where in the list of records a page ends.
type RecordPlace struct {
	Account cairn.AccountID
	Record  cairn.RecordID
}

// A RecordStore lists records as they stand.
type RecordStore interface {
	// RecordPage returns records that belong to an account, in the order of
	// the ids of account and record.
	RecordPage(ctx context.Context, scope cairn.Scope, q RecordsQuery) ([]cairn.Record, error)
	// Facts calls f with all that was ever said of each record of a kind but
	// what is personal, account by account.
	Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error
}
