package cairn

import "time"

// A Decision is what a rule found about an account in one turn, fired or not,
// and why.
type Decision struct {
	Rule    string    `json:"rule"` // its page in the book
	Rev     int       `json:"rev"`
	Account AccountID `json:"account"`
	At      time.Time `json:"at"`
	Holds   bool      `json:"holds"` // the condition is true now
	Fire    bool      `json:"fire"`  // and it was not at the turn before: act
	Why     string    `json:"why"`
	Pos     int64     `json:"pos"` // how far the fold stood when it was taken
}

// An Action is one effect, written down before it is done, under a key that
// makes it happen once.
type Action struct {
	ID      ActionID    `json:"id"` // of Key
	Key     string      `json:"key"`
	Kind    string      `json:"kind"` // "task"
	Account AccountID   `json:"account"`
	Play    string      `json:"play"`
	Rev     int         `json:"rev"`
	Why     string      `json:"why"`
	Task    *Task       `json:"task,omitempty"` // for Kind "task"
	At      time.Time   `json:"at"`
	State   ActionState `json:"state"`
	Result  string      `json:"result,omitempty"`
	DoneAt  time.Time   `json:"done_at"`
}

// ActionState says how far an action has come.
type ActionState string

// The states of an action.
const (
	Planned ActionState = "planned"
	Done    ActionState = "done"
	Failed  ActionState = "failed"
)

// ActionKey returns the id of the action with this key.
func ActionKey(key string) ActionID { return ActionID{HashID("action", key)} }

// A TaskState says where a task stands.
type TaskState string

// The states of a task.
const (
	TaskOpen      TaskState = "open"
	TaskSnoozed   TaskState = "snoozed"
	TaskDone      TaskState = "done"
	TaskDismissed TaskState = "dismissed"
)

// A Task is an action whose doer is a person. It is kept as a record of kind
// [OfTask]; the json names here are the names of its fields.
type Task struct {
	ID       RecordID  `json:"-"`
	Key      string    `json:"-"` // its id as an event names it
	Account  AccountID `json:"-"`
	Title    string    `json:"title"`
	Why      string    `json:"why"`      // one line: what fired and with which values
	Type     string    `json:"type"`     // "call", "mail", "review", …
	Owner    string    `json:"owner"`    // address of the user whose day it is in; empty: nobody's yet
	Priority int       `json:"priority"` // 1 urgent, 2 high, 3 normal
	Due      time.Time `json:"due"`
	State    TaskState `json:"state"`
	Until    time.Time `json:"until,omitzero"` // snoozed until
	Play     string    `json:"play,omitempty"` // empty: a person made it
	Outcome  string    `json:"outcome,omitempty"`
	Planned  time.Time `json:"planned"`
	Closed   time.Time `json:"closed,omitzero"`
	Reasons  []Reason  `json:"reasons,omitempty"` // the vector's strongest when it was planned
}
