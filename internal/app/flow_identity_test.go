package app

import (
	"testing"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// twoNames is a Cairn with one customer under two names, and somebody of whom
// it is not known where they belong.
func twoNames(t *testing.T) *site {
	t.Helper()
	s := serve(t, t.TempDir(), time.Time{})
	s.mail, s.password = "ada@cairn.example", "a password to test with"
	if _, err := s.Auth.AddUser(t.Context(), cairn.House, s.mail, "Ada Lind", s.password, true); err != nil {
		t.Fatal(err)
	}
	at := time.Now().UTC().Add(-48 * time.Hour)
	account := func(key, name, domain string) ingest.Record {
		return ingest.Record{Kind: cairn.OfAccount, ID: "a-" + key, At: at, Stamp: at, Keys: cairn.Keys{Account: key}, Props: map[string]any{"name": name, "domain": domain}}
	}
	used := func(id, key, person string) ingest.Record {
		return ingest.Record{Kind: cairn.Track, Name: "Report Created", ID: id, At: at, Stamp: at, Keys: cairn.Keys{Account: key, Person: person}}
	}
	verdicts, err := s.Door.Admit(t.Context(), ingest.Source{Name: "product"}, []ingest.Record{
		account("globex", "Globex", "globex.example"), account("globex-eu", "Globex Europe", "globex.test"),
		used("e1", "globex", "u1"), used("e2", "globex-eu", "u2"), used("e3", "", "stray"),
		{Kind: cairn.OfPerson, ID: "p1", At: at, Stamp: at, Keys: cairn.Keys{Person: "stray"}, Props: map[string]any{"name": "Gil Lobe", "email": "gil@globex.example"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range verdicts {
		if v.Status == ingest.Rejected {
			t.Fatalf("%+v", v)
		}
	}
	return s
}

// Who waits is claimed, and a claim made by mistake is taken back.
func TestWhoWaitsIsClaimedAndUnclaimed(t *testing.T) {
	s := twoNames(t)
	w := open(t, s.url, desk)
	w.signIn(s.mail, s.password)
	w.visit("/unclaimed")
	w.says(".unclaimed", "Gil Lobe")
	w.click(".unclaimed [name=id]")
	w.fill(".unclaimed-go [name=account]", "globex")
	w.click(".unclaimed-go [value=claim]")
	w.says(".identity-done", "Undo")
	w.until(`!document.querySelector(".unclaimed")`)
	globex := cairn.Space("").Account("globex")
	w.visit("/accounts/" + globex.String())
	w.says("#people", "Gil Lobe")

	w.visit("/unclaimed")
	w.until(`!document.querySelector(".unclaimed")`)
	w.visit("/accounts/" + globex.String())
	w.click("#people a[href^='/people/']")
	w.says("main", "Known as")
}

// Two names of one customer are merged with a preview, lead to one page, and
// come apart again.
func TestTwoNamesAreMergedAndComeApart(t *testing.T) {
	s := twoNames(t)
	into, from := cairn.Space("").Account("globex"), cairn.Space("").Account("globex-eu")
	w := open(t, s.url, desk)
	w.signIn(s.mail, s.password)
	w.visit("/accounts/" + from.String() + "/merge")
	w.fill("#with", "globex")
	w.click(".merge-find button")
	w.says(".merge-preview", "Globex becomes another name of Globex Europe")
	w.click(".merge-preview p a")
	w.says(".merge-preview", "Globex Europe becomes another name of Globex")
	w.says(".merge-preview", "Where they disagree")
	w.click(".merge-preview .btn-primary")
	w.until(`location.pathname === "/accounts/` + into.String() + `"`)
	w.says(".identity-done", "Undo")
	w.says("#identity", "globex-eu")
	w.visit("/accounts/" + from.String())
	w.until(`location.pathname === "/accounts/` + into.String() + `"`)

	w.visit("/accounts/" + into.String())
	w.click("#identity form[action='/identity/undo'] button")
	w.until(`document.querySelector("#identity")?.textContent.includes("globex-eu") === false`)
	w.visit("/accounts/" + from.String())
	w.until(`location.pathname === "/accounts/` + from.String() + `"`)
	w.says("main", "Globex Europe")
}

func TestPagesOfWhoIsWhoAreSoundInEveryWindow(t *testing.T) {
	s := twoNames(t)
	pepper, err := s.Store.Pepper(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	person := pepper.Person("", "u1").String()
	merge := "/accounts/" + cairn.Space("").Account("globex-eu").String() + "/merge"
	for _, l := range looks {
		w := open(t, s.url, l)
		w.signIn(s.mail, s.password)
		for name, path := range map[string]string{
			"unclaimed": "/unclaimed", "unclaimed-ignored": "/unclaimed?ignored=1", "person": "/people/" + person,
			"merge": merge, "merge-preview": merge + "?with=globex",
		} {
			w.visit(path)
			w.sound(name, l)
		}
	}
}
