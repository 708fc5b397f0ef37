package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
	"cairn/internal/signal"
)

// writeKey makes a key for a source, with which others may send.
func (s *site) writeKey(t *testing.T, source string) string {
	t.Helper()
	_, key, err := s.Store.AddKey(t.Context(), cairn.House, ingest.Key{Source: source}, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// send sends calls to /v1/batch, as any server does, and fails unless every
// one is taken.
func (s *site) send(t *testing.T, key string, calls ...map[string]any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"batch": calls})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(key, "")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(res.Body)
	if string(bytes.TrimSpace(answer)) != `{"success":true,"rejected":[]}` {
		t.Fatalf("%s: %s", res.Status, answer)
	}
}

// track is one thing that somebody of an account did.
func track(id, account, person, name string, at time.Time) map[string]any {
	return map[string]any{
		"type": "track", "messageId": id, "userId": person, "event": name, "timestamp": at.Format(time.RFC3339Nano),
		"context": map[string]any{"groupId": account},
	}
}

// spared is an account of the one who signed in, of which nobody has to do
// anything and whose payments never failed.
func (s *site) spared(t *testing.T) cairn.Account {
	t.Helper()
	mine, err := s.Store.Accounts(t.Context(), cairn.Everything, account.Query{Owner: s.mail, Status: cairn.Customer, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	busy := map[cairn.AccountID]bool{}
	for _, i := range s.tasksNow(t) {
		busy[i.Account.ID] = true
	}
	for _, a := range mine.Accounts {
		_, signals, err := s.Explain.Explain(t.Context(), cairn.Everything, a.ID, s.Clock.Now())
		if err != nil {
			t.Fatal(err)
		}
		if failed, known := signals.Number(signal.FailedPayments); known && failed == 0 && !busy[a.ID] {
			return a
		}
	}
	t.Fatal("every account has something to do, or payments that failed")
	return cairn.Account{}
}

// What arrives at the front door is on the pages that lie open, and what a
// rule makes of it in somebody's day: no page is loaded anew.
func TestOpenPagesFollowWhatArrives(t *testing.T) {
	s := quillmere(t)
	today := open(t, s.url, desk)
	today.signIn(s.mail, s.password)
	acct := s.spared(t)
	page := beside(t, s.url, desk)
	page.visit("/accounts/" + acct.ID.String())
	for _, w := range []*window{today, page} {
		w.text(`window.stillThere = true`)
	}
	usage := `document.querySelector("#usage .tiles").textContent`
	was := page.text(usage)

	now := s.Clock.Now()
	var calls []map[string]any
	for n := range 30 {
		calls = append(calls, track(fmt.Sprintf("live-%d", n), acct.Key, fmt.Sprintf("newcomer-%d", n%6), "Board Report Sent", now.Add(-time.Duration(n)*time.Minute)))
	}
	s.send(t, s.writeKey(t, "product"), calls...)
	page.says("#timeline .entry", "Board Report Sent")
	page.until(usage + ` !== ` + mustJSON(t, was))

	// The house of billing says that a payment failed.
	verdicts, err := s.Door.Admit(t.Context(), ingest.Source{Name: "billing"}, []ingest.Record{{
		Kind: cairn.OfInvoice, ID: "live-invoice", At: now, Keys: cairn.Keys{Account: acct.Key, Record: "live-invoice"},
		Props: map[string]any{"amount": "120.00", "currency": "EUR", "issued": "2025-03-03", "due": "2025-03-17", "status": "failed", "failed_payments": 1},
	}})
	if err != nil || verdicts[0].Status != ingest.Accepted {
		t.Fatal(err, verdicts)
	}
	title := "Check how " + acct.Name + " pays"
	today.says("#queue .task", title)
	page.says("#tasks .side-task", title)
	page.says("#money", "live-invoice")

	// What is done in one window is seen in the other.
	row := today.text(`[...document.querySelectorAll("#queue .task")].find(r => r.textContent.includes(` + mustJSON(t, title) + `)).id`)
	today.click("#" + row + " form[action$='/done'] button")
	today.says("#toast", "Done")
	page.until(`!document.getElementById("` + row + `")`)
	for _, w := range []*window{today, page} {
		if got := w.text(`window.stillThere`); got != "true" {
			t.Errorf("%s was loaded anew", w.text(`location.pathname`))
		}
	}
}
