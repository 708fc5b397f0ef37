package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestMetricsOfImportedContracts goes the whole way, from a file to figures.
func TestMetricsOfImportedContracts(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "contracts.csv")
	rows := `contract_id,account,amount,interval,start,cancelled_at
c1,acme,1200,annual,2023-01-10,
c2,acme,25,monthly,2023-02-10,2023-04-10
c3,beta,50,monthly,2023-02-15,2023-03-20
c4,beta,60,monthly,2023-05-01,
`
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(dir, "data")
	if r := run(t, "", "import", file, "--kind", "contracts", "--data", data); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := run(t, "", "metrics", "--from", "2023-01", "--to", "2023-05", "--data", data, "--json")
	if r.code != 0 {
		t.Fatalf("%+v", r)
	}
	var got []map[string]any
	if err := json.Unmarshal([]byte(r.out), &got); err != nil {
		t.Fatal(err)
	}
	want := []struct {
		month, start, new, expansion, contraction, churn, reactivation, end string
		lost, could                                                         float64
	}{
		{"2023-01", "0.00", "100.00", "0.00", "0.00", "0.00", "0.00", "100.00", 0, 0},
		{"2023-02", "100.00", "50.00", "25.00", "0.00", "0.00", "0.00", "175.00", 0, 0},
		{"2023-03", "175.00", "0.00", "0.00", "0.00", "50.00", "0.00", "125.00", 1, 1},
		{"2023-04", "125.00", "0.00", "0.00", "25.00", "0.00", "0.00", "100.00", 0, 0},
		{"2023-05", "100.00", "0.00", "0.00", "0.00", "0.00", "60.00", "160.00", 0, 0},
	}
	if len(got) != len(want) {
		t.Fatalf("%d months, want %d", len(got), len(want))
	}
	for i, w := range want {
		g := got[i]
		if g["month"] != w.month || g["start"] != w.start || g["new"] != w.new || g["expansion"] != w.expansion || g["contraction"] != w.contraction ||
			g["churn"] != w.churn || g["reactivation"] != w.reactivation || g["end"] != w.end || g["customers_lost"] != w.lost || g["customers_eligible"] != w.could {
			t.Errorf("%v, want %+v", g, w)
		}
	}
	if got[0]["nrr"] != nil || got[3]["grr"] != 0.8 {
		t.Errorf("NRR of nothing %v, GRR of April %v", got[0]["nrr"], got[3]["grr"])
	}
	for _, field := range []string{"month", "start", "new", "expansion", "contraction", "churn", "reactivation", "end", "nrr", "grr", "mrr_churn", "mrr_expansion", "portfolio_growth",
		"customers_start", "customers_lost", "churn_base", "customers_eligible", "churn_eligible", "quick_ratio"} {
		if _, ok := got[0][field]; !ok {
			t.Errorf("there is no %s", field)
		}
	}
	if len(got[0]) != 19 {
		t.Errorf("%d fields, want 19: %v", len(got[0]), got[0])
	}

	if r := run(t, "", "metrics", "use", "chartmogul", "--data", data); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	if r = run(t, "", "metrics", "--from", "2023-03", "--to", "2023-05", "--by", "contract.interval", "--data", data); !strings.Contains(r.out, "policy chartmogul") || !strings.Contains(r.out, "annual") {
		t.Errorf("%+v", r)
	}
	if r = run(t, "", "metrics", "--policy", "recurly", "--data", data); r.code != 3 || !strings.Contains(r.err, "chartmogul") {
		t.Errorf("%+v", r)
	}
	if r = run(t, "", "metrics", "--from", "March", "--data", data); r.code != 2 {
		t.Errorf("%+v", r)
	}
}

func TestRatesAreReadFromAFile(t *testing.T) {
	dir := t.TempDir()
	data, file := filepath.Join(dir, "data"), filepath.Join(dir, "rates.csv")
	for _, c := range []struct {
		text string
		code int
	}{{"currency,day,rate\nUSD,2023-01-01,0.9376\n", 0}, {"currency,rate\nUSD,1\n", 2}, {"currency,day,rate\nUSD,yesterday,1\n", 2}, {"", 2}} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if r := run(t, "", "metrics", "rates", file, "--data", data); r.code != c.code {
			t.Errorf("%q: %+v", c.text, r)
		}
	}
	if r := run(t, "", "metrics", "rates", "--data", data); !strings.Contains(r.out, "0.9376") {
		t.Errorf("%+v", r)
	}
}
