package auth_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/auth"
	"cairn/internal/store/sqlite"
)

const good = "correct horse battery"

// A house is a service over a real store, with a clock that tests turn.
type house struct {
	*auth.Service
	now time.Time
}

func open(t *testing.T) *house {
	t.Helper()
	s, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h := &house{Service: auth.New(s), now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	h.Now = func() time.Time { return h.now }
	return h
}

// add adds Ann, an administrator.
func (h *house) add(t *testing.T) auth.User {
	t.Helper()
	u, err := h.AddUser(t.Context(), cairn.House, " Ann@Example.com ", "Ann", good, true)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func wantKind(t *testing.T, err error, want cairn.Kind) {
	t.Helper()
	if err == nil || cairn.KindOf(err) != want {
		t.Errorf("got error %v, want one of kind %v", err, want)
	}
}

func TestWhoSignsInIsKnownByTheToken(t *testing.T) {
	h := open(t)
	u := h.add(t)
	n, err := h.SignIn(t.Context(), "ANN@example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	a, err := h.Actor(t.Context(), n.Token)
	if err != nil {
		t.Fatal(err)
	}
	want := cairn.Actor{Kind: cairn.ByPerson, ID: u.ID, Name: "Ann", Mail: "ann@example.com"}
	if d := cmp.Diff(want, a); d != "" {
		t.Errorf("actor (-want +got):\n%s", d)
	}
	if len(n.Token) < 43 || n.CSRF == n.Token || !n.Allows(n.CSRF) || n.Allows("") || n.Allows(n.Token) {
		t.Errorf("tokens of a session are not as they should be: %d digits", len(n.Token))
	}
}

func TestAWrongAddressAndAWrongPasswordAreOneError(t *testing.T) {
	h := open(t)
	h.add(t)
	_, wrong := h.SignIn(t.Context(), "ann@example.com", "correct horse batterz")
	_, unknown := h.SignIn(t.Context(), "bob@example.com", good)
	wantKind(t, wrong, cairn.Unauthentic)
	wantKind(t, unknown, cairn.Unauthentic)
	if wrong.Error() != unknown.Error() {
		t.Errorf("%q differs from %q", wrong, unknown)
	}
}

func TestFailuresMakeAnAddressWaitWhetherOrNotItIsKnown(t *testing.T) {
	for _, mail := range []string{"ann@example.com", "nobody@example.com"} {
		t.Run(mail, func(t *testing.T) {
			h := open(t)
			h.add(t)
			for range 5 {
				_, err := h.SignIn(t.Context(), mail, "wrong wrong")
				wantKind(t, err, cairn.Unauthentic)
			}
			_, err := h.SignIn(t.Context(), mail, good)
			wantKind(t, err, cairn.TooMany)
			if text := cairn.TextOf(err); !strings.Contains(text, "10 seconds") {
				t.Errorf("the text does not say how long to wait: %q", text)
			}
			h.now = h.now.Add(10 * time.Second)
			_, err = h.SignIn(t.Context(), mail, "wrong wrong")
			wantKind(t, err, cairn.Unauthentic)
			_, err = h.SignIn(t.Context(), mail, good)
			wantKind(t, err, cairn.TooMany) // now twice as long
			if text := cairn.TextOf(err); !strings.Contains(text, "20 seconds") {
				t.Errorf("the wait did not double: %q", text)
			}
		})
	}
}

func TestSigningInForgetsFailures(t *testing.T) {
	h := open(t)
	h.add(t)
	for range 3 {
		for range 4 {
			_, err := h.SignIn(t.Context(), "ann@example.com", "wrong wrong")
			wantKind(t, err, cairn.Unauthentic)
		}
		if _, err := h.SignIn(t.Context(), "ann@example.com", good); err != nil {
			t.Fatal(err)
		}
	}
}

func TestASessionEndsFourteenDaysAfterItWasLastUsed(t *testing.T) {
	h := open(t)
	h.add(t)
	n, err := h.SignIn(t.Context(), "ann@example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	for range 4 {
		h.now = h.now.Add(10 * 24 * time.Hour)
		if n, err = h.Session(t.Context(), n.Token); err != nil {
			t.Fatal(err)
		}
		if want := h.now.Add(auth.Lifetime); !n.Expires.Equal(want) {
			t.Errorf("expires %v, want %v", n.Expires, want)
		}
	}
	h.now = h.now.Add(auth.Lifetime)
	_, err = h.Session(t.Context(), n.Token)
	wantKind(t, err, cairn.Unauthentic)
}

func TestSigningOutEndsTheSession(t *testing.T) {
	h := open(t)
	h.add(t)
	n, err := h.SignIn(t.Context(), "ann@example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice is fine
		if err := h.SignOut(t.Context(), n.Token); err != nil {
			t.Fatal(err)
		}
	}
	_, err = h.Actor(t.Context(), n.Token)
	wantKind(t, err, cairn.Unauthentic)
}

func TestANewPasswordEndsAllSessions(t *testing.T) {
	h := open(t)
	u := h.add(t)
	n, err := h.SignIn(t.Context(), "ann@example.com", good)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.SetPassword(t.Context(), u.Actor(), "ann@example.com", "another good one"); err != nil {
		t.Fatal(err)
	}
	_, err = h.Session(t.Context(), n.Token)
	wantKind(t, err, cairn.Unauthentic)
	_, err = h.SignIn(t.Context(), "ann@example.com", good)
	wantKind(t, err, cairn.Unauthentic)
	if _, err := h.SignIn(t.Context(), "ann@example.com", "another good one"); err != nil {
		t.Error(err)
	}
}

func TestOnlyAdministratorsManageUsers(t *testing.T) {
	h := open(t)
	ann := h.add(t)
	bob, err := h.AddUser(t.Context(), ann.Actor(), "bob@example.com", "", good, false)
	if err != nil {
		t.Fatal(err)
	}
	if bob.Name != "bob" {
		t.Errorf("a user without a name is called %q", bob.Name)
	}
	_, err = h.AddUser(t.Context(), bob.Actor(), "eve@example.com", "Eve", good, true)
	wantKind(t, err, cairn.Forbidden)
	_, err = h.AddUser(t.Context(), cairn.Actor{}, "eve@example.com", "Eve", good, true)
	wantKind(t, err, cairn.Forbidden)
	wantKind(t, h.SetPassword(t.Context(), bob.Actor(), "ann@example.com", good), cairn.Forbidden)
}

func TestWhatCannotBeAUserIsNamedByItsField(t *testing.T) {
	h := open(t)
	h.add(t)
	for _, c := range []struct {
		name, mail, password, field string
		kind                        cairn.Kind
	}{
		{"no address", "ann", good, "mail", cairn.Invalid},
		{"two addresses", "a@b.c, d@e.f", good, "mail", cairn.Invalid},
		{"taken", "ANN@example.com", good, "mail", cairn.Conflict},
		{"short password", "bob@example.com", "1234567", "password", cairn.Invalid},
		{"huge password", "bob@example.com", strings.Repeat("x", 1025), "password", cairn.Invalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := h.AddUser(context.Background(), cairn.House, c.mail, "", c.password, false)
			wantKind(t, err, c.kind)
			if e, ok := err.(*cairn.Error); ok && e.Field != c.field {
				t.Errorf("field %q, want %q", e.Field, c.field)
			}
		})
	}
}
