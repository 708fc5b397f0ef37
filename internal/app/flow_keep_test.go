package app

import (
	"testing"

	"cairn"
	"cairn/internal/keep"
)

// TestAnEndIsSetAndTakenBackInABrowser does what an administrator does on the
// page Keeping.
func TestAnEndIsSetAndTakenBackInABrowser(t *testing.T) {
	s := quillmere(t)
	w := open(t, s.url, desk)
	const mail, password = "ada@cairn.example", "a password to test with"
	if _, err := s.Auth.AddUser(t.Context(), cairn.House, mail, "Ada Lind", password, true); err != nil {
		t.Fatal(err)
	}
	w.signIn(mail, password)
	w.visit("/sources")
	w.click("main a[href='/keeping']")
	w.says("#keep-now", "for ever")
	w.until(`document.readyState === "complete"`)
	w.fill("#keep-for", "30 days")
	w.says("#keep-effect", "would be dropped")
	w.set("#keep-event", "Page Viewed")
	w.until(`document.querySelectorAll("#keep-effect .keep-tried tbody tr").length === 1`) // what is tried of it alone
	w.fill("#keep-effect [name=note]", "Nobody reads them")
	w.click("#keep-sure")
	w.until(`document.querySelector("#keep-sure").checked && document.querySelector("#keep-effect [name=note]").value === "Nobody reads them"`)
	w.click("#keep-effect .btn-primary")
	w.says("#keep-now", "past their end")
	w.says("main", "Nobody reads them")
	p, rev, err := keep.Read(t.Context(), s.Store)
	if err != nil || len(p.Ends) != 1 || p.Ends[0] != (keep.End{Event: "Page Viewed", Days: 30}) || rev.By.Name != "Ada Lind" {
		t.Fatalf("the book says %+v by %q: %v", p, rev.By.Name, err)
	}
	w.click("#keep-now form button")
	w.says("#keep-now", "for ever")
	if p, _, err = keep.Read(t.Context(), s.Store); err != nil || len(p.Ends) != 0 {
		t.Errorf("after it was taken back the book says %+v: %v", p, err)
	}
	w.healthy()
}
