package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"cairn"
)

// Lifetime is how long a session lasts after it was last used.
const Lifetime = 14 * 24 * time.Hour

// The bounds of a password, in characters and bytes.
const (
	MinPassword = 8
	MaxPassword = 1024
)

// A Service signs people in and says who is asking. Its zero clock and
// entropy are the machine's. It may be used from many goroutines.
type Service struct {
	Store  Store
	Now    func() time.Time
	Random io.Reader

	throttle throttle
	hashing  sync.Mutex // one hash of 19 MiB at a time: sign-ins never exhaust the memory
}

// New returns a service over a store with the machine's clock and entropy.
func New(s Store) *Service { return &Service{Store: s, Now: time.Now, Random: rand.Reader} }

func (s *Service) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

func (s *Service) random() io.Reader {
	if s.Random == nil {
		return rand.Reader
	}
	return s.Random
}

// token returns 32 random bytes as text.
func (s *Service) token() (string, error) {
	var b [32]byte
	if _, err := io.ReadFull(s.random(), b[:]); err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// SignIn opens a session for a user. A wrong address and a wrong password are
// the same cairn.Unauthentic error and take the same time; after several
// failures of one address it is cairn.TooMany for a while.
func (s *Service) SignIn(ctx context.Context, mail, password string) (Session, error) {
	mail = normal(mail)
	if err := s.throttle.begin(mail, s.now()); err != nil {
		return Session{}, err
	}
	u, err := s.Store.UserByMail(ctx, mail)
	known := err == nil
	if !known && cairn.KindOf(err) != cairn.NotFound {
		return Session{}, err
	}
	phc := u.Hash
	if !known {
		phc = nobody
	}
	if fits := s.verify(phc, password); !fits || !known {
		return Session{}, cairn.Errorf(cairn.Unauthentic, "That address and password do not fit together.")
	}
	s.throttle.succeeded(mail)
	return s.begin(ctx, u)
}

func (s *Service) verify(phc, password string) bool {
	s.hashing.Lock()
	defer s.hashing.Unlock()
	return len(password) <= MaxPassword && verify(phc, password)
}

// begin opens a session for u.
func (s *Service) begin(ctx context.Context, u User) (Session, error) {
	token, err := s.token()
	if err != nil {
		return Session{}, err
	}
	csrf, err := s.token()
	if err != nil {
		return Session{}, err
	}
	n := Session{Token: token, CSRF: csrf, User: u, Expires: s.now().Add(Lifetime)}
	return n, s.Store.SaveSession(ctx, sha256.Sum256([]byte(token)), n)
}

// Session returns the session of a cookie's token; cairn.Unauthentic when
// there is none or it has expired. Using one prolongs it, once a day.
func (s *Service) Session(ctx context.Context, token string) (Session, error) {
	sum, now := sha256.Sum256([]byte(token)), s.now()
	n, err := s.Store.Session(ctx, sum, now)
	if err != nil {
		return Session{}, err
	}
	n.Token = token
	if n.Expires.Sub(now) < Lifetime-24*time.Hour {
		longer := n
		longer.Expires = now.Add(Lifetime)
		// Who could be let in stays in when nothing can be written.
		if s.Store.SaveSession(ctx, sum, longer) == nil {
			n = longer
		}
	}
	return n, nil
}

// Actor returns who asks with a cookie's token; cairn.Unauthentic as [Service.Session].
func (s *Service) Actor(ctx context.Context, token string) (cairn.Actor, error) {
	n, err := s.Session(ctx, token)
	if err != nil {
		return cairn.Actor{}, err
	}
	return n.User.Actor(), nil
}

// SignOut ends the session of a token; one that has ended already is fine.
func (s *Service) SignOut(ctx context.Context, token string) error {
	return s.Store.EndSession(ctx, sha256.Sum256([]byte(token)))
}

// Allows reports whether a form came from a page of this session: its token
// is compared in constant time.
func (n Session) Allows(csrf string) bool {
	return n.CSRF != "" && subtle.ConstantTimeCompare([]byte(n.CSRF), []byte(csrf)) == 1
}

// AddUser adds a user who can sign in. Only Cairn itself (the operator's
// command line) and administrators may.
func (s *Service) AddUser(ctx context.Context, by cairn.Actor, mail, name, password string, admin bool) (User, error) {
	if err := s.mayManage(ctx, by); err != nil {
		return User{}, err
	}
	mail, name = normal(mail), strings.TrimSpace(name)
	if local, domain, ok := strings.Cut(mail, "@"); !ok || local == "" || domain == "" || strings.ContainsAny(mail, " \t\r\n<>,") {
		return User{}, cairn.Errorf(cairn.Invalid, "An e-mail address such as ann@example.com is needed.").At("mail")
	}
	if name == "" {
		name, _, _ = strings.Cut(mail, "@")
	}
	switch _, err := s.Store.UserByMail(ctx, mail); {
	case err == nil:
		return User{}, cairn.Errorf(cairn.Conflict, "There is a user with the address %s already.", mail).At("mail")
	case cairn.KindOf(err) != cairn.NotFound:
		return User{}, err
	}
	phc, err := s.hash(password)
	if err != nil {
		return User{}, err
	}
	var id [8]byte
	if _, err := io.ReadFull(s.random(), id[:]); err != nil {
		return User{}, err
	}
	u := User{ID: hex.EncodeToString(id[:]), Mail: mail, Name: name, Hash: phc, Admin: admin}
	return u, s.Store.SaveUser(ctx, u)
}

// SetPassword gives a user a new password and ends all of the user's
// sessions. Users may set their own; administrators and Cairn itself anybody's.
func (s *Service) SetPassword(ctx context.Context, by cairn.Actor, mail, password string) error {
	u, err := s.Store.UserByMail(ctx, normal(mail))
	if err != nil {
		return err
	}
	if by.Kind != cairn.ByPerson || by.ID != u.ID {
		if err := s.mayManage(ctx, by); err != nil {
			return err
		}
	}
	if u.Hash, err = s.hash(password); err != nil {
		return err
	}
	if err := s.Store.SaveUser(ctx, u); err != nil {
		return err
	}
	return s.Store.EndSessions(ctx, u.ID)
}

func (s *Service) mayManage(ctx context.Context, by cairn.Actor) error {
	if by.Kind == cairn.ByHouse {
		return nil
	}
	if by.Kind == cairn.ByPerson {
		u, err := s.Store.UserByMail(ctx, by.Mail)
		if err == nil && u.ID == by.ID && u.Admin {
			return nil
		}
		if err != nil && cairn.KindOf(err) != cairn.NotFound {
			return err
		}
	}
	return cairn.Errorf(cairn.Forbidden, "Only an administrator may do this.")
}

func (s *Service) hash(password string) (string, error) {
	if utf8.RuneCountInString(password) < MinPassword || len(password) > MaxPassword {
		return "", cairn.Errorf(cairn.Invalid, "A password has at least %d characters and at most %d bytes.", MinPassword, MaxPassword).At("password")
	}
	s.hashing.Lock()
	defer s.hashing.Unlock()
	return hash(s.random(), password)
}

// normal returns an address as users are found by.
func normal(mail string) string { return strings.ToLower(strings.TrimSpace(mail)) }

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
