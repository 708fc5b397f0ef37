package cairn

import "time"

// A Status says where an account stands with us.
type Status string

// The statuses of accounts.
const (
	Lead     Status = "lead"
	Trial    Status = "trial"
	Customer Status = "customer"
	Churned  Status = "churned"
	Ignored  Status = "ignored"
)

// Statuses are all statuses, in the order of a customer's life.
var Statuses = []Status{Lead, Trial, Customer, Churned, Ignored}

// An Account is a customer company (or member, or buyer) as it stands: what
// the sources say of it, chosen field by field, and what was last measured.
type Account struct {
	ID     AccountID `json:"id"`
	Key    string    `json:"key"`             // external id as first seen
	Space  Space     `json:"space,omitempty"` // of the key; empty: the common one
	Name   string    `json:"name"`            // falls back to the domain, then the key
	Domain string    `json:"domain"`
	Owner  string    `json:"owner"`  // address of the CSM; empty: nobody's
	Status Status    `json:"status"` // customer unless a source says otherwise
	First  time.Time `json:"first"`  // At of the first event or fact

	// Measured by the last turn; zero before the first.
	Vector    Vector    `json:"vector"`
	MRR       Money     `json:"mrr"`       // zero Currency: no contract
	Renews    time.Time `json:"renews"`    // zero: no renewal date is known
	LastSeen  time.Time `json:"last_seen"` // day of the last meaningful activity
	OpenTasks int       `json:"open_tasks"`
	Signals   Signals   `json:"signals,omitempty"` // when one account was asked for; in lists the metrics that were asked for
}

// A Person is somebody at an account. Name, Mail and Title are personal: they
// live in the person table only and go with it when the person is erased.
type Person struct {
	ID       PersonID  `json:"id"`
	Account  AccountID `json:"account"` // the account asked about
	Key      string    `json:"key"`
	Name     string    `json:"name"`
	Mail     string    `json:"mail"`
	Title    string    `json:"title"`
	Role     string    `json:"role"` // user, administrator, champion, sponsor, economic_buyer, beneficiary
	OptedOut bool      `json:"opted_out"`
	LastSeen time.Time `json:"last_seen"` // day of the last event of this person in the account
	Erased   bool      `json:"erased"`
}
