package cairn

// ActorKind says what sort of actor asks.
type ActorKind string

// The kinds of actor.
const (
	ByPerson ActorKind = "person" // a signed-in user of Cairn
	ByKey    ActorKind = "key"    // a source's write key or an API key
	ByPlay   ActorKind = "play"   // an automation
	ByAgent  ActorKind = "agent"  // an agent through MCP
	ByHouse  ActorKind = "cairn"  // Cairn itself: stages, the operator's own command line
)

// An Actor is who asks. It is an argument of every operation that needs
// permission, never a context value.
type Actor struct {
	Kind ActorKind `json:"kind"`
	ID   string    `json:"id"`             // stable, not personal: a user's number, a key's id, a play's name
	Name string    `json:"name"`           // what people read
	Mail string    `json:"mail,omitempty"` // a user's address: what owner fields of accounts name
}

// House is Cairn itself.
var House = Actor{Kind: ByHouse, ID: "cairn", Name: "Cairn"}

// A Scope says which accounts an actor may see. Every store method that
// lists, counts, searches or exports takes one and puts it into its SQL. The
// zero Scope sees nothing.
type Scope struct {
	All      bool
	Accounts []AccountID // seen when not All
}

// Everything is the scope of an actor who may see all accounts.
var Everything = Scope{All: true}

// Sees reports whether s includes the account.
func (s Scope) Sees(id AccountID) bool {
	if s.All {
		return true
	}
	for _, a := range s.Accounts {
		if a == id {
			return true
		}
	}
	return false
}

// Scope returns what a may see. Until roles exist that is everything.
func (a Actor) Scope() Scope {
	if a.Kind == "" {
		return Scope{}
	}
	return Everything
}
