package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/portfolio"
	"cairn/internal/vector"
)

func TestAPortfolioIsPrintedForPeopleAndForPrograms(t *testing.T) {
	mean := 55.0
	r := portfolio.Report{
		Query: portfolio.Query{From: 20_000, To: 20_090, By: "owner"}, Accounts: 3, Known: 2, Unknown: 1, Same: 1,
		Bands: []portfolio.Band{{Grade: vector.Grade{Name: "Poor"}, Accounts: 1}, {Grade: vector.Grade{Name: "Good", From: 70}, Accounts: 1}},
		Flows: []portfolio.Flow{{From: "Good", To: "Poor", Accounts: 1}}, Groups: []portfolio.Group{{Value: "ada", Accounts: 3, Mean: &mean, Bands: []int{1, 1}}},
		Movers: []portfolio.Mover{{Name: "Acme", From: account.Scored{Known: true, Level: 80_000}, To: account.Scored{Known: true, Level: 30_500, Way: cairn.Falling}}},
	}
	var b bytes.Buffer
	printPortfolio(&b, r)
	for _, want := range []string{"3 accounts on 2025-01-02", "Good  Poor         1", "ada", "55.0", "-49.5"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is not said in\n%s", want, b.String())
		}
	}
	text, err := json.Marshal(portfolioTold{r.From.String(), r.To.String(), r})
	if err != nil {
		t.Fatal(err)
	}
	var back map[string]any
	if err := json.Unmarshal(text, &back); err != nil || back["from"] != "2024-10-04" || back["to"] != "2025-01-02" || back["by"] != "owner" {
		t.Errorf("%s, %v", text, err)
	}
}
