package demo

import (
	"time"

	"cairn"
)

// Options are what can be chosen of a demo. Zero values choose the usual, or
// what was chosen when it was begun.
type Options struct {
	Accounts int    `json:"accounts"` // 0: 200
	Months   int    `json:"months"`   // 0: 18
	Seed     int64  `json:"seed"`     // 0: 1
	Until    string `json:"until"`    // date; empty: today
}

// What is usual, and how large a demo may be.
const (
	UsualAccounts = 200
	UsualMonths   = 18
	UsualSeed     = 1

	maxAccounts = 20_000
	maxMonths   = 120
)

// Open returns the company that o asks for, and the first day of it that has
// not been told. With the memory of one that was begun it goes on with that
// one; asking for another is a cairn.Conflict. Now is the real time.
func Open(o Options, begun *Memory, now time.Time) (*Company, cairn.Day, error) {
	if begun != nil {
		if o.differs(*begun) {
			return nil, 0, cairn.Errorf(cairn.Conflict,
				"Another demo was begun here: --accounts %d --months %d --seed %d --until %s. Go on with that one, or choose another data directory.",
				begun.Accounts, begun.Months, begun.Seed, begun.Until)
		}
		return Remember(*begun)
	}
	today := cairn.DayOf(now, time.UTC)
	end := today
	if o.Until != "" {
		t, err := time.Parse(time.DateOnly, o.Until)
		if err != nil {
			return nil, 0, cairn.Errorf(cairn.Invalid, "%q is not a date such as 2026-01-31.", o.Until).At("until")
		}
		end = cairn.DayOf(t, time.UTC)
	}
	o = o.usual()
	switch {
	case o.Accounts < 1 || o.Accounts > maxAccounts:
		return nil, 0, cairn.Errorf(cairn.Invalid, "A demo has 1 to %d accounts.", maxAccounts).At("accounts")
	case o.Months < 1 || o.Months > maxMonths:
		return nil, 0, cairn.Errorf(cairn.Invalid, "A demo goes back 1 to %d months.", maxMonths).At("months")
	case end > today:
		return nil, 0, cairn.Errorf(cairn.Invalid, "A demo cannot end in the future.").At("until")
	}
	c := New(o.Seed, o.Accounts, o.Months, end.Start(time.UTC))
	return c, c.start, nil
}

func (o Options) usual() Options {
	if o.Accounts == 0 {
		o.Accounts = UsualAccounts
	}
	if o.Months == 0 {
		o.Months = UsualMonths
	}
	if o.Seed == 0 {
		o.Seed = UsualSeed
	}
	return o
}

// differs reports whether o asks for another company than was begun.
func (o Options) differs(m Memory) bool {
	return o.Accounts != 0 && o.Accounts != m.Accounts || o.Months != 0 && o.Months != m.Months ||
		o.Seed != 0 && o.Seed != m.Seed || o.Until != "" && o.Until != m.Until
}
