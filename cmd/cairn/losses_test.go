package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"cairn/internal/app"
	"cairn/internal/outcome"
)

// TestLossesOfImportedContracts goes the whole way: contracts and what a CRM
// says of why customers left, from files; then what people say.
func TestLossesOfImportedContracts(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "data")
	for kind, rows := range map[string]string{
		"contracts": "contract_id,account,mrr,month_to_month,start,status,cancelled_at,cancel_reason\n" +
			"c1,acme,100,true,2023-01-10,cancelled,2023-04-20,\n" +
			"c2,beta,50,true,2023-01-15,cancelled,2023-04-10,budget\n" +
			"c3,gamma,60,true,2023-02-01,active,,\n",
	} {
		file := filepath.Join(dir, kind+".csv")
		if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := run(t, "", "import", file, "--kind", kind, "--data", data); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	said := filepath.Join(dir, "losses.csv")
	if err := os.WriteFile(said, []byte("loss_id,account,on,reason,unavoidable,evidence\nl1,gamma,2023-04-02,features,,\nl2,acme,2023-04-20,,true,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "import", said, "--kind", "losses", "--data", data); !strings.Contains(r.out, "1 rejected") || !strings.Contains(r.err, "with evidence only") {
		t.Errorf("a claim without evidence is not refused: %+v", r)
	}

	list := func(args ...string) outcome.LossFigures {
		t.Helper()
		r := run(t, "", append([]string{"losses", "--from", "2023-04", "--to", "2023-05", "--data", data, "--json"}, args...)...)
		var got outcome.LossFigures
		if r.code != 0 || json.Unmarshal([]byte(r.out), &got) != nil {
			t.Fatalf("%+v", r)
		}
		return got
	}
	got := list()
	if got.All.Customers != 2 || got.All.MRR != "150.00" || got.All.Open != 1 || len(got.Losses) != 2 || got.Losses[0].Account.IsZero() || !got.Losses[0].Open || got.Losses[1].Reason != "price" || got.Losses[1].Source == "" {
		t.Errorf("%+v", got)
	}
	if len(got.Odd) != 1 || got.Odd[0].Since != "2023-02-01" || got.Odd[0].Reason != "The product lacks something" {
		t.Errorf("gamma pays: %+v", got.Odd)
	}
	for _, c := range []struct{ args, says string }{
		{"say acme", "reason"}, {"say acme --reason weather", "reason"}, {"say acme --reason closed --unavoidable", "evidence"},
		{"say acme --reason price --unavoidable --evidence x", "unavoidable"}, {"say gamma --reason price", "never lost"}, {"say acme --reason price --on 2020-01-01", "not lost around"},
		{"audit acme confirm", "nothing to audit"}, {"undo acme", "taken back"}, {"say acme --reason price --as nobody@example.com", "no user"},
	} {
		if r := run(t, "", append(append([]string{"losses"}, strings.Fields(c.args)...), "--data", data)...); r.code == 0 || !strings.Contains(r.err, c.says) {
			t.Errorf("%s: %+v, want an error that says %s", c.args, r, c.says)
		}
	}
	say := func(args ...string) outcome.LossRow {
		t.Helper()
		r := run(t, "", append(append([]string{"losses"}, args...), "--data", data, "--json")...)
		var row outcome.LossRow
		if r.code != 0 || json.Unmarshal([]byte(r.out), &row) != nil {
			t.Fatalf("%v: %+v", args, r)
		}
		return row
	}
	if row := say("say", "acme", "--reason", "closed", "--unavoidable", "--evidence", "Court register", "--asked-on", "2023-05-02"); row.Reason != "closed" || !row.Unavoidable || row.Evidence != "Court register" || row.ClaimedBy == "" || row.Asked != "2023-05-02" {
		t.Errorf("%+v", row)
	}
	if r := run(t, "", "losses", "audit", "acme", "confirm", "--data", data); r.code == 0 || !strings.Contains(r.err, "somebody else") {
		t.Errorf("audited by who claimed it: %+v", r)
	}
	if r := run(t, "a password to test with\n", "user", "add", "ben@example.com", "--name", "Ben", "--password-stdin", "--data", data); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if row := say("audit", "acme", "reject", "--as", "ben@example.com"); row.Audit != "rejected" || row.AuditedBy == "" {
		t.Errorf("%+v", row)
	}
	if got := list("--only", "rejected"); len(got.Losses) != 1 || got.All.Audited != 1 || got.All.Confirmed != 0 || *got.All.AuditedShare != 1 {
		t.Errorf("%+v", got)
	}
	if row := say("undo", "acme"); row.Audit != "" || !row.Unavoidable {
		t.Errorf("the audit was taken back: %+v", row)
	}
	if got := list("--open"); len(got.Losses) != 0 || got.All.Open != 0 {
		t.Errorf("%+v", got)
	}
	if got := list("--reason", "pricing"); len(got.Losses) != 1 {
		t.Errorf("by a source's word: %+v", got.Losses)
	}
	r := run(t, "", "losses", "--from", "2023-04", "--to", "2023-05", "--by", "owner", "--data", data)
	if r.code != 0 || !strings.Contains(r.out, "2 customers left with 150.00") || !strings.Contains(r.out, "Went out of business") || !strings.Contains(r.out, "Said to be lost") {
		t.Errorf("%+v", r)
	}
	churnOf(t, data)
	reasonsOf(t, data)
}

func churnOf(t *testing.T, data string) {
	t.Helper()
	r := run(t, "", "churn", "--from", "2023-04", "--to", "2023-05", "--data", data, "--json")
	var got app.ChurnAnswer
	if r.code != 0 || json.Unmarshal([]byte(r.out), &got) != nil {
		t.Fatalf("%+v", r)
	}
	if len(got.Months) != 2 || len(got.Together) != 1 {
		t.Fatalf("%+v", got)
	}
	april, may := got.Months[0], got.Months[1]
	if april.CustomersStart != 3 || april.CustomersLost != 2 || april.CustomersCould != 3 || april.Up != 3 || april.Renewed != 1 || april.Lost != "150.00" || april.LostEarly != 1 {
		t.Errorf("%+v", april)
	}
	if may.CustomersLost != 0 || *may.Reduction >= 0 || *may.Retention != 1 {
		t.Errorf("%+v", may)
	}
	for _, field := range []string{"churn_rate", "churn_rate_reduction", "churn_rate_eligible", "mrr_lost_rate_eligible", "mrr_churn", "mrr_expansion", "portfolio_growth", "new_lost_early_share", "retention", "renewal_rate", "renewal_rate_mrr"} {
		if !strings.Contains(r.out, `"`+field+`"`) {
			t.Errorf("there is no %s", field)
		}
	}
	if r := run(t, "", "churn", "--from", "2023-04", "--to", "2023-05", "--data", data); r.code != 0 || !strings.Contains(r.out, "66.7 %") {
		t.Errorf("%+v", r)
	}
	if r := run(t, "", "churn", "--from", "2023-04", "--to", "2023-05", "--by", "contract.month_to_month", "--data", data); r.code != 0 || !strings.Contains(r.out, "CONTRACT.MONTH_TO_MONTH") {
		t.Errorf("%+v", r)
	}
}

func reasonsOf(t *testing.T, data string) {
	t.Helper()
	r := run(t, "", "losses", "reasons", "--data", data, "--json")
	if r.code != 0 || !strings.Contains(r.out, `"rev": 0`) {
		t.Fatalf("%+v", r)
	}
	file := filepath.Join(t.TempDir(), "reasons.json")
	if err := os.WriteFile(file, []byte(strings.Replace(r.out, "Went out of business", "Closed down", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if r = run(t, "", "losses", "reasons", file, "--data", data); r.code != 0 || !strings.Contains(r.out, "revision 1") {
		t.Errorf("%+v", r)
	}
	if r = run(t, "", "losses", "reasons", "--data", data); r.code != 0 || !strings.Contains(r.out, "Closed down") {
		t.Errorf("%+v", r)
	}
	if err := os.WriteFile(file, []byte(`{"reasons": []}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if r = run(t, "", "losses", "reasons", file, "--data", data); r.code == 0 || !strings.Contains(r.err, "at least one") {
		t.Errorf("%+v", r)
	}
}
