package storetest

import (
	"testing"

	"cairn"
	"cairn/internal/auth"
)

// Auth is the contract of auth.Store.
func Auth(t *testing.T, open Opener) {
	s := open(t)
	t.Run("UsersAreFoundByTheirAddress", func(t *testing.T) { users(t, s) })
	t.Run("SessionsLastUntilTheyExpireOrEnd", func(t *testing.T) { sessions(t, s) })
}

func users(t *testing.T, s auth.Store) {
	ctx := t.Context()
	bob := auth.User{ID: "2", Mail: "bob@example.com", Name: "Bob", Hash: "$b", Admin: false}
	ann := auth.User{ID: "1", Mail: "ann@example.com", Name: "Ann", Hash: "$a", Admin: true}
	for _, u := range []auth.User{bob, ann} {
		if err := s.SaveUser(ctx, u); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "users", []auth.User{ann, bob}, must(s.Users(ctx))(t))
	ann.Name, ann.Hash = "Ann B.", "$c"
	if err := s.SaveUser(ctx, ann); err != nil {
		t.Fatal(err)
	}
	same(t, "a changed user", ann, must(s.UserByMail(ctx, "ann@example.com"))(t))
	_, err := s.UserByMail(ctx, "eve@example.com")
	wantKind(t, err, cairn.NotFound)
	wantKind(t, s.SaveUser(ctx, auth.User{ID: "3", Mail: "ann@example.com"}), cairn.Conflict)
}

func sessions(t *testing.T, s auth.Store) {
	ctx := t.Context()
	ann := must(s.UserByMail(ctx, "ann@example.com"))(t)
	one, two := [32]byte{1}, [32]byte{2}
	want := auth.Session{CSRF: "form", User: ann, Expires: noon.Add(auth.Lifetime)}
	for _, token := range [][32]byte{one, two} {
		if err := s.SaveSession(ctx, token, want); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "session", want, must(s.Session(ctx, one, noon))(t))
	_, err := s.Session(ctx, one, want.Expires)
	wantKind(t, err, cairn.Unauthentic)
	_, err = s.Session(ctx, [32]byte{3}, noon)
	wantKind(t, err, cairn.Unauthentic)

	want.Expires = want.Expires.Add(auth.Lifetime)
	if err := s.SaveSession(ctx, one, want); err != nil { // prolongs it, and the other one has expired by then
		t.Fatal(err)
	}
	same(t, "a prolonged session", want, must(s.Session(ctx, one, noon.Add(auth.Lifetime)))(t))
	_, err = s.Session(ctx, two, noon)
	wantKind(t, err, cairn.Unauthentic)

	if err := s.EndSession(ctx, one); err != nil {
		t.Fatal(err)
	}
	_, err = s.Session(ctx, one, noon)
	wantKind(t, err, cairn.Unauthentic)

	for _, token := range [][32]byte{one, two} {
		if err := s.SaveSession(ctx, token, want); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.EndSessions(ctx, ann.ID); err != nil {
		t.Fatal(err)
	}
	for _, token := range [][32]byte{one, two} {
		_, err = s.Session(ctx, token, noon)
		wantKind(t, err, cairn.Unauthentic)
	}
}
