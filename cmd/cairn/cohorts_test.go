package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestCohortsAndSurvivalOfImportedContracts goes the whole way, from a file to
// figures and to files.
func TestCohortsAndSurvivalOfImportedContracts(t *testing.T) {
	dir := t.TempDir()
	file, data := filepath.Join(dir, "contracts.csv"), filepath.Join(dir, "data")
	rows := `contract_id,account,mrr,start,end,product
c1,acme,100,2023-01-10,,base
c2,beta,300,2023-01-15,2023-03-20,base
c3,gamma,50,2023-02-01,,plus
`
	if err := os.WriteFile(file, []byte(rows), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "import", file, "--kind", "contracts", "--data", data); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := run(t, "", "cohorts", "--from", "2023-01", "--to", "2023-04", "--data", data, "--json")
	var cohorts []struct {
		Month, Cohort string
		Ages          []struct {
			Age, Customers int
			Of             int      `json:"customers_of"`
			Kept           *float64 `json:"customers_kept"`
			MRR            string
			Money          *float64 `json:"mrr_kept"`
		}
	}
	if err := json.Unmarshal([]byte(r.out), &cohorts); err != nil || r.code != 0 {
		t.Fatalf("%v %+v", err, r)
	}
	if len(cohorts) != 5 || cohorts[0].Month != "2023-01" || cohorts[4].Cohort != "all" {
		t.Fatalf("%+v", cohorts)
	}
	if a := cohorts[0].Ages[2]; a.Customers != 1 || a.Of != 2 || *a.Kept != 0.5 || a.MRR != "100.00" || *a.Money != 0.25 {
		t.Errorf("January after two months: %+v", a)
	}
	if r := run(t, "", "cohorts", "--by", "product", "--money", "--from", "2023-01", "--to", "2023-04", "--data", data); r.code != 0 || !strings.Contains(r.out, "PRODUCT") || !strings.Contains(r.out, "base") {
		t.Errorf("%+v", r)
	}

	r = run(t, "", "survival", "--by", "product", "--complete", "--data", data, "--json")
	var stays struct {
		Unit   string
		Curves []struct {
			Group     string
			N, Events int
		}
		Logrank *struct{ DF int }
	}
	if err := json.Unmarshal([]byte(r.out), &stays); err != nil || r.code != 0 {
		t.Fatalf("%v %+v", err, r)
	}
	if stays.Unit != "months" || len(stays.Curves) != 2 || stays.Curves[0].Group != "base" || stays.Curves[0].N != 2 || stays.Curves[0].Events != 1 || stays.Logrank == nil {
		t.Errorf("%+v", stays)
	}

	book, text := filepath.Join(dir, "out.xlsx"), filepath.Join(dir, "out.csv")
	for _, command := range [][]string{{"cohorts"}, {"survival", "--complete"}, {"metrics"}} {
		r := run(t, "", append(command, "--data", data, "--xlsx", book, "--csv", text)...)
		b, err := os.ReadFile(book)
		if err != nil || r.code != 0 || !strings.HasPrefix(string(b), "PK") {
			t.Errorf("%v: %+v %v", command, r, err)
		}
		if c, err := os.ReadFile(text); err != nil || !strings.HasPrefix(string(c), "policy,") {
			t.Errorf("%v as CSV: %q %v", command, c, err)
		}
	}
	for _, wrong := range [][]string{{"survival", "--since", "May"}, {"survival", "--interval", "wide"}, {"cohorts", "--json", "--csv", "x"}, {"cohorts", "--xlsx", filepath.Join(dir, "none", "x.xlsx")}} {
		if r := run(t, "", append(wrong, "--data", data)...); r.code == 0 {
			t.Errorf("%v was not refused", wrong)
		}
	}
}
