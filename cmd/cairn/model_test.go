package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAModelIsChangedAndComesBack goes the whole way of CS operations: show,
// edit, check, publish, and go back.
func TestAModelIsChangedAndComesBack(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	events := filepath.Join(dir, "tickets.csv")
	if err := os.WriteFile(events, []byte("ticket_id,account,opened_at,status,escalated\n1,acme,2026-01-05,open,true\n2,beta,2026-01-05,closed,false\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "import", events, "--kind", "tickets", "--data", data); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	do := func(in string, args ...string) string {
		t.Helper()
		r := run(t, in, append(args, "--data", data)...)
		if r.code != 0 {
			t.Fatalf("%v: %+v", args, r)
		}
		return r.out
	}
	text := do("", "model", "show", "default")
	if got := do(text, "model", "check", "-"); !strings.Contains(got, "The level of 0 of 2 accounts changes") || !strings.Contains(got, "No account changes its grade.") {
		t.Errorf("the same model: %s", got)
	}
	heavy := strings.NewReplacer("weight: 50\n  leaves", "weight: 10\n  leaves", "weight: 14\n  leaves:\n  - signal: support.oldest", "weight: 54\n  leaves:\n  - signal: support.oldest").Replace(text)
	if r := run(t, strings.Replace(text, "weight: 50\n", "weight: 51\n", 1), "model", "check", "-", "--data", data); r.code == 0 || !strings.Contains(r.err, "add up to 101") {
		t.Errorf("weights of 101: %+v", r)
	}
	// Only tickets are known, so the weight of the group changes nothing; of a leaf it does.
	worse := strings.Replace(heavy, "worst: 30\n    best: 3\n", "worst: 3000\n    best: 3\n", 1)
	if worse == text {
		t.Fatal("the text is not what this test edits")
	}
	if got := do(worse, "model", "check", "-"); !strings.Contains(got, "The level of 1 of 2 accounts changes") {
		t.Errorf("%s", got)
	}
	if got := do(worse, "model", "publish", "-", "--note", "Tickets may be older"); !strings.Contains(got, "revision 2") {
		t.Errorf("%s", got)
	}
	var shown struct {
		Rev  int
		Note string
	}
	if err := json.Unmarshal([]byte(do("", "model", "show", "default", "--json")), &shown); err != nil || shown.Rev != 2 || shown.Note != "Tickets may be older" {
		t.Errorf("%+v, %v", shown, err)
	}
	if r := run(t, text, "model", "publish", "-", "--base", "1", "--data", data); r.code == 0 {
		t.Errorf("on top of a revision that is no longer in force: %+v", r)
	}
	if got := do("", "model", "publish", "--restore", "1"); !strings.Contains(got, "revision 3") {
		t.Errorf("%s", got)
	}
	if got := do("", "model", "show", "default"); got != text {
		t.Errorf("revision 1 came back as\n%s", got)
	}
	// A model of its own for some, first in line; and the last one for all stays.
	gold := strings.Replace(text, "name: default\n", "name: gold\nfor: [{field: trait.plan, op: is, value: gold}]\n", 1)
	do(gold, "model", "publish", "-")
	if got := do("", "model", "list"); strings.Index(got, "gold") > strings.Index(got, "default") || !strings.Contains(got, "trait.plan is gold") {
		t.Errorf("%s", got)
	}
	if r := run(t, "", "model", "delete", "default", "--data", data); r.code == 0 || !strings.Contains(r.err, "rates all accounts") {
		t.Errorf("%+v", r)
	}
	do("", "model", "delete", "gold")
	if got := do("", "model", "list"); strings.Contains(got, "gold") {
		t.Errorf("%s", got)
	}

	var signals struct {
		Signals []struct {
			Name            string
			Known, Accounts int
			ReadBy          []string `json:"read_by"`
		}
	}
	if err := json.Unmarshal([]byte(do("", "signal", "list", "--json")), &signals); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, s := range signals.Signals {
		if s.Name == "support.escalated_open" {
			found = s.Known == 2 && s.Accounts == 2 && len(s.ReadBy) > 0
		}
	}
	if !found {
		t.Errorf("%+v", signals)
	}
	if got := do("", "signal", "show", "support.escalated_open"); !strings.Contains(got, "2 of 2 accounts (100 %)") {
		t.Errorf("%s", got)
	}

	// The level of an open, escalated ticket fell because time passed.
	var diff struct {
		From, To struct {
			Level int64
			Model string
		}
		Causes  struct{ Data, Time, Missing, Model int64 }
		Changes []struct{ Points int64 }
	}
	if err := json.Unmarshal([]byte(do("", "vector", "diff", "acme", "--from", "2026-01-06", "--to", "2026-01-25", "--json")), &diff); err != nil {
		t.Fatal(err)
	}
	whole := diff.To.Level - diff.From.Level
	if whole >= 0 || diff.Causes.Time != whole || diff.Causes.Data+diff.Causes.Missing+diff.Causes.Model != 0 || len(diff.Changes) != 1 || diff.Changes[0].Points != whole {
		t.Errorf("%+v", diff)
	}
	if got := do("", "vector", "diff", "acme", "--from", "2026-01-06", "--to", "2026-01-25"); !strings.Contains(got, "time passed") {
		t.Errorf("%s", got)
	}
	if r := run(t, "", "vector", "diff", "acme", "--from", "2026-02-06", "--to", "2026-01-25", "--data", data); r.code != 2 || !strings.Contains(r.err, "before the second") {
		t.Errorf("%+v", r)
	}
}
