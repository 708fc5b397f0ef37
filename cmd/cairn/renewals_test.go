package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/outcome"
)

// TestRenewalsOfImportedContracts goes the whole way: from files to a forecast,
// what somebody says of it, and how earlier ones turned out.
func TestRenewalsOfImportedContracts(t *testing.T) {
	dir := t.TempDir()
	data, now := filepath.Join(dir, "data"), time.Now().UTC()
	write := func(name, rows string) string {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	due := now.AddDate(0, 0, 20)
	rows := "contract_id,account,mrr,start,term,end,notice_days\n"
	for i := range 20 {
		start, end := now.AddDate(-3, i%11, -40), ""
		if i%5 == 0 {
			end = start.AddDate(2, 0, 0).Format(time.DateOnly)
		}
		rows += fmt.Sprintf("c%02d,account-%02d,100,%s,year,%s,30\n", i, i, start.Format(time.DateOnly), end)
	}
	rows += fmt.Sprintf("next,acme,250.50,%s,year,,30\n", due.AddDate(-1, 0, 0).Format(time.DateOnly))
	calls := fmt.Sprintf("id,account,contract,due,probability\nd1,acme,next,%s,35\n", due.Format(time.DateOnly))
	for kind, file := range map[string]string{"contracts": write("contracts.csv", rows), "renewals": write("renewals.csv", calls)} {
		if r := run(t, "", "import", file, "--kind", kind, "--as-of", now.AddDate(-1, 0, 0).Format(time.DateOnly), "--data", data); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	quarter := outcome.QuarterOf(cairn.DayOf(due, time.UTC)).String()
	board := func(more ...string) (f outcome.Figures, next outcome.RenewalFigures) {
		t.Helper()
		r := run(t, "", append([]string{"renewals", "--quarter", quarter, "--json", "--data", data}, more...)...)
		if err := json.Unmarshal([]byte(r.out), &f); err != nil || r.code != 0 {
			t.Fatalf("%+v: %v", r, err)
		}
		for _, row := range f.Rows {
			if row.Contract == "next" {
				next = row
			}
		}
		return f, next
	}
	f, next := board()
	if next.Original != "250.50" || next.Due != due.Format(time.DateOnly) || !next.Model.Known || next.Model.Of < 12 || next.Model.Chance <= 0.5 || next.Probability == nil || *next.Probability != 0.35 || !next.Differs {
		t.Errorf("%+v", next)
	}
	if f.Of < 20 || f.Quarter.String() != quarter || f.Open == 0 {
		t.Errorf("%+v", f)
	}
	day := now.AddDate(0, 0, 7).Format(time.DateOnly)
	if r := run(t, "", "renewals", "set", "next", "--probability", "80", "--next-step", "Call Ann", "--next-step-due", day, "--data", data); r.code != 0 || !strings.Contains(r.out, "written down") {
		t.Fatalf("%+v", r)
	}
	if _, next = board(); *next.Probability != 0.8 || next.Next != "Call Ann" || next.NextDue == nil || *next.NextDue != day {
		t.Errorf("%+v", next)
	}
	if r := run(t, "", "renewals", "book", "next", "--outcome", "upsell", "--booked", "300", "--data", data, "--json"); r.code != 0 || !strings.Contains(r.out, `"outcome": "upsell"`) || !strings.Contains(r.out, `"booked": "300.00"`) {
		t.Fatalf("%+v", r)
	}
	if f, _ = board("--show", "closed"); f.Upsell != "49.50" {
		t.Errorf("%s was sold", f.Upsell)
	}
	if r := run(t, "", "renewals", "--quarter", quarter, "--data", data); r.code != 0 || !strings.Contains(r.out, "acme") || !strings.Contains(r.out, "upsell") {
		t.Errorf("%+v", r)
	}
	r := run(t, "", "renewals", "grades", "--json", "--data", data)
	var g outcome.GradeFigures
	if err := json.Unmarshal([]byte(r.out), &g); err != nil || len(g.Quarters) < 2 || g.All.Count == 0 || len(g.Calibration) == 0 {
		t.Errorf("%+v: %v", r, err)
	}
	if r := run(t, "", "renewals", "grades", "--data", data); r.code != 0 || !strings.Contains(r.out, "worked out now") {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"renewals", "--quarter", "4"}, 2, "2026-Q4"}, {[]string{"renewals", "set", "next"}, 2, "--probability"}, {[]string{"renewals", "set", "none", "--probability", "3"}, 3, "none"},
		{[]string{"renewals", "book", "next"}, 2, "--outcome"}, {[]string{"renewals", "book", "next", "--outcome", "won"}, 2, "downsell"}, {[]string{"renewals", "set", "next", "--probability", "300"}, 2, "0 to 100"},
		{[]string{"renewals", "set", "next", "--owner", "a@b.example", "--due", "soon"}, 2, "is not a day"},
	} {
		if r := run(t, "", append(c.args, "--data", data)...); r.code != c.code || !strings.Contains(r.err, c.says) {
			t.Errorf("%v: %+v", c.args, r)
		}
	}
}
