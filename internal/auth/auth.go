// Package auth knows who is asking: users, sessions, and the actor they make.
package auth

import (
	"context"
	"time"

	"cairn"
)

// A User is somebody who signs in.
type User struct {
	ID    string `json:"id"`
	Mail  string `json:"mail"` // lower case; what owner fields name
	Name  string `json:"name"`
	Hash  string `json:"-"` // argon2id, PHC string
	Admin bool   `json:"admin"`
}

// Actor is who u acts as.
func (u User) Actor() cairn.Actor {
	return cairn.Actor{Kind: cairn.ByPerson, ID: u.ID, Name: u.Name, Mail: u.Mail}
}

// A Session is a signed-in browser. Only the hash of its token is stored.
type Session struct {
	Token   string // in the cookie
	CSRF    string // in every form
	User    User
	Expires time.Time
}

// A Store keeps users and sessions.
type Store interface {
	UserByMail(ctx context.Context, mail string) (User, error) // cairn.NotFound
	Users(ctx context.Context) ([]User, error)
	SaveUser(ctx context.Context, u User) error // cairn.Conflict when another has the address
	// SaveSession adds a session or gives one a new end, and forgets those
	// that expired Lifetime before it does.
	SaveSession(ctx context.Context, tokenHash [32]byte, s Session) error
	Session(ctx context.Context, tokenHash [32]byte, now time.Time) (Session, error) // cairn.Unauthentic
	EndSession(ctx context.Context, tokenHash [32]byte) error
	// EndSessions ends all sessions of a user.
	EndSessions(ctx context.Context, userID string) error
}
