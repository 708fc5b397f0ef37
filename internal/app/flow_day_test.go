package app

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/work"
)

// queueNow are the ids of the tasks of who signed in, in the order of the day.
func (s *site) queueNow(t *testing.T) (ids []string) {
	t.Helper()
	for _, i := range s.tasksNow(t) {
		ids = append(ids, "task-"+i.Task.ID.String())
	}
	return ids
}

func (s *site) tasksNow(t *testing.T) []work.Item {
	t.Helper()
	items, err := s.Store.Tasks(t.Context(), cairn.Everything, work.Query{Owner: s.mail}, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// list returns what an expression in the page comes to, as a list of texts.
func (w *window) list(expression string) (out []string) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(w.text("JSON.stringify("+expression+")")), &out); err != nil {
		w.t.Fatal(err)
	}
	return out
}

const rowsOfQueue = `[...document.querySelectorAll("#queue .task")].map(r => r.id)`

func TestOneSignsInWithTheRightPasswordOnly(t *testing.T) {
	s := quillmere(t)
	w := open(t, s.url, desk)
	w.visit("/accounts?sort=-mrr")
	w.until(`location.pathname === "/signin"`)
	w.fill("#mail", s.mail)
	w.fill("#password", "not this one"+kb.Enter)
	w.says("#problem", "That address and password do not fit together.")
	w.expected("401")
	if got := w.text(`document.querySelector("#mail").value + " " + document.activeElement.id + " " + document.querySelector("#password").value`); got != s.mail+" password " {
		t.Errorf("after the wrong password: %q", got)
	}
	w.fill("#password", s.password+kb.Enter)
	w.until(`location.pathname + location.search === "/accounts?sort=-mrr"`)
	w.text(`document.querySelector("form[action='/signout']").requestSubmit()`)
	w.until(`location.pathname === "/signin"`)
	w.visit("/today")
	w.until(`location.pathname === "/signin"`)
}

// The way that people go every day: what needs me, why, the account, why
// again, done, what came of it.
func TestADayFromTheQueueThroughTheReasonsToAClosedTask(t *testing.T) {
	s := quillmere(t)
	w := open(t, s.url, desk)
	w.signIn(s.mail, s.password)
	items := s.tasksNow(t)
	for range 3 { // the company lives: a task may come between two looks
		if cmp.Equal(s.queueNow(t), w.list(rowsOfQueue)) {
			break
		}
		w.visit("/today")
		items = s.tasksNow(t)
	}
	if diff := cmp.Diff(s.queueNow(t), w.list(rowsOfQueue)); diff != "" {
		t.Fatalf("the queue (-store +page)\n%s", diff)
	}
	first := items[0]
	w.says(".today-lead", fmt.Sprintf("account%s you", map[bool]string{true: " needs", false: "s need"}[len(items) == 1]))
	for i, why := range w.list(`[...document.querySelectorAll("#queue .task .why-text")].map(e => e.textContent)`) {
		if why == "" || why != items[i].Task.Why {
			t.Errorf("row %d says why: %q, and the task %q", i, why, items[i].Task.Why)
		}
	}
	w.choose()
	w.key("w")
	w.says(".task .why[open]", "Its place in the list:")
	w.until(`document.querySelectorAll(".task .why[open] .reasons li").length > 0`)

	w.click("#" + w.list(rowsOfQueue)[0] + " .task-account")
	w.until(`location.pathname === "/accounts/` + first.Account.ID.String() + `"`)
	w.until(`!!document.querySelector("#reasons") && !document.querySelector("#history .chart-waiting")`)
	s.explains(t, w, first.Account.ID)

	task := "#task-" + first.Task.ID.String()
	w.click(task + " form[action$='/done'] button")
	w.says("#toast", "Done")
	w.fill("#toast [name=outcome]", "They renew with more seats"+kb.Enter)
	w.says("#toast", "Written down")
	w.until(`!document.querySelector("` + task + `")`)
	w.says("#closed-tasks", "They renew with more seats")
	w.says("#timeline .entry-task", "is now done")

	w.visit("/today")
	if diff := cmp.Diff(s.queueNow(t), w.list(rowsOfQueue)); diff != "" {
		t.Errorf("the queue after one was done (-store +page)\n%s", diff)
	}
	if len(s.queueNow(t)) != len(items)-1 {
		t.Errorf("%d of %d tasks are left", len(s.queueNow(t)), len(items))
	}
	w.says("#queue .card-head", fmt.Sprintf("1 of %d done today", len(items)))
}

// explains checks that the reasons on an account's page are those of its
// level, sum to it, and are said in words.
func (s *site) explains(t *testing.T, w *window, id cairn.AccountID) {
	t.Helper()
	v, _, err := s.Explain.Explain(t.Context(), cairn.Everything, id, s.Clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	w.says("#reasons-title", fmt.Sprintf("Why %d", v.Level.Round()))
	var exact cairn.Points
	for _, r := range v.Reasons {
		exact += r.Points
	}
	if exact != v.Level {
		t.Errorf("the reasons sum to %d thousandths and the level is %d", exact, v.Level)
	}
	shown := 0.0
	given := w.list(`[...document.querySelectorAll("#reasons .reason:not(.missing) .reason-gives b")].map(b => b.textContent)`)
	for _, p := range given {
		f, err := strconv.ParseFloat(p, 64)
		if err != nil {
			t.Fatal(err)
		}
		shown += f
	}
	if off := math.Abs(shown - float64(v.Level)/1000); len(given) == 0 || off > 0.05*float64(len(given)) {
		t.Errorf("%v sum to %.1f and the level is %v", given, shown, v.Level)
	}
	for _, says := range w.list(`[...document.querySelectorAll("#reasons .reason-says")].map(e => e.textContent)`) {
		if !strings.Contains(says, " ") || strings.Contains(says, "_") {
			t.Errorf("a reason in no words: %q", says)
		}
	}
	w.click("#reasons .reason:not(.missing) summary")
	w.says("#reasons .reason[open] dl", "Scale")
}

func TestWhatWasDoneByMistakeIsUndone(t *testing.T) {
	s := quillmere(t)
	w := open(t, s.url, desk)
	w.signIn(s.mail, s.password)
	was := w.list(rowsOfQueue)
	w.choose()
	w.key("d")
	w.until(`!document.getElementById("` + was[0] + `")`)
	w.says("#queue .card-head", fmt.Sprintf("1 of %d done today", len(was)))
	w.key("u")
	w.says("#toast", "Open again")
	w.until(`JSON.stringify(` + rowsOfQueue + `) === '` + mustJSON(t, was) + `'`)

	w.key("x")
	w.says("#toast", "Dismissed")
	w.fill("#toast [name=outcome]", "A slip of the finger"+kb.Enter)
	w.says("#toast", "Written down")
	w.click("#toast [data-undo]") // also after a word about it
	w.says("#toast", "Open again")
	w.until(`JSON.stringify(` + rowsOfQueue + `) === '` + mustJSON(t, was) + `'`)
	if diff := cmp.Diff(was, s.queueNow(t)); diff != "" {
		t.Errorf("the queue (-before +after)\n%s", diff)
	}
}

func mustJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePastSaysLoudlyThatItIsNotNow(t *testing.T) {
	s := quillmere(t)
	w := open(t, s.url, desk)
	w.signIn(s.mail, s.password)
	id := s.tasksNow(t)[0].Account.ID
	page := "/accounts/" + id.String()
	w.visit(page)
	now := w.text(`document.querySelector("#reasons-title").textContent`)
	w.key("t")
	w.until(`document.activeElement.id === "at"`)
	w.set("#at", "2025-01-20")
	w.click(".date-menu form button")
	w.until(`location.search.includes("at=2025-01-20")`)
	w.says(".past-banner", "This is not now.")
	w.says(".past-banner", "Monday 20 January 2025, 43 days ago")
	w.until(`document.querySelector(".past-banner").getBoundingClientRect().top < innerHeight`)
	w.until(`!document.querySelector("#write") && !document.querySelector("#tasks form") && !document.querySelector("#live")`)

	at := cairn.DayOf(s.Clock.Now().AddDate(0, 0, -43), s.Store.Settings().Zone).End(s.Store.Settings().Zone)
	v, _, err := s.Explain.Explain(t.Context(), cairn.Everything, id, at)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := w.text(`document.querySelector("#reasons-title").textContent`), fmt.Sprintf("Why %d", v.Level.Round()); got != want || got == now {
		t.Errorf("then: %q, should be %q; now: %q", got, want, now)
	}
	for _, day := range w.list(`[...document.querySelectorAll("#timeline .timeline-day time")].map(e => e.getAttribute("datetime")).filter(d => d.length === 10)`) {
		if day > "2025-01-20" {
			t.Errorf("the timeline of the past tells of %s", day)
		}
	}
	w.click(".past-banner .btn-primary")
	w.until(`location.search === "" && !document.querySelector(".past-banner")`)
	if got := w.text(`document.querySelector("#reasons-title").textContent`); got != now {
		t.Errorf("back: %q, before: %q", got, now)
	}
}

func TestACallWrittenDownIsOnTheTimelineAtOnceAndItsNextStepATask(t *testing.T) {
	s := quillmere(t)
	w := open(t, s.url, desk)
	w.signIn(s.mail, s.password)
	before := len(s.tasksNow(t))
	w.visit("/accounts/" + s.tasksNow(t)[0].Account.ID.String())
	w.key("e")
	w.until(`document.activeElement.id === "write-text"`)
	w.set("#write-text", "")
	w.click("#write .talk-types label:nth-of-type(2)")
	w.fill("#write-text", "The new buyer wants a report for the board")
	w.click("#write .write-more summary")
	w.click("#write .people-pick label")
	w.fill("#write-others", "Dr Okonjo")
	w.click("#write .moods label:nth-of-type(2)")
	w.fill("#write-next", "Send the board report")
	w.set("#write-due", "2025-03-07")
	w.click("#write .write-foot .btn-primary")
	w.says("#timeline .entry-interaction blockquote", "The new buyer wants a report for the board")
	w.says("#timeline .entry-interaction", "Call")
	w.says("#timeline .entry-interaction", "Dr Okonjo")
	w.says("#timeline .entry-interaction .entry-next", "Send the board report")
	w.says("#tasks .side-task", "Send the board report")
	w.until(`document.querySelector("#write-text").value === ""`)
	if n := len(s.tasksNow(t)); n != before+1 {
		t.Errorf("%d tasks became %d", before, n)
	}
	w.visit("/today")
	w.says("#queue .task", "Send the board report")
	w.says("#queue .task", "Next step of the call on 4 March 2025")
}
