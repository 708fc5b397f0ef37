package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A shape is a kind of contract: what is said of contracts of one customer, in
// turn, and what the ledger books.
type shape struct {
	name string
	said []map[string]any // with "at", and "contract" where there are several
	want []string
}

// shapes are all that a contract may be. Amounts are in euros.
var shapes = []shape{
	{"monthly", []map[string]any{{"at": "2023-01-10", "amount": "100", "interval": "monthly", "start": "2023-01-10"}}, []string{"2023-01-10 new 100.00"}},
	{"annual", []map[string]any{{"at": "2023-01-10", "amount": "1000", "interval": "annual", "start": "2023-01-10"}}, []string{"2023-01-10 new 83.33"}},
	{"weekly", []map[string]any{{"at": "2023-01-10", "amount": "10", "interval": "weekly", "start": "2023-01-10"}}, []string{"2023-01-10 new 43.33"}},
	{"every four weeks", []map[string]any{{"at": "2023-01-10", "amount": "40", "interval": "4 weeks", "start": "2023-01-10"}}, []string{"2023-01-10 new 43.33"}},
	{"quarterly", []map[string]any{{"at": "2023-01-10", "amount": "90", "interval": "quarterly", "start": "2023-01-10"}}, []string{"2023-01-10 new 30.00"}},
	{"two years", []map[string]any{{"at": "2023-01-10", "amount": "2400", "interval": "P2Y", "start": "2023-01-10"}}, []string{"2023-01-10 new 100.00"}},
	{"ninety days", []map[string]any{{"at": "2023-01-10", "amount": "90", "interval": "90 days", "start": "2023-01-10"}}, []string{"2023-01-10 new 30.42"}},
	{"several at once, per product", []map[string]any{
		{"at": "2023-01-10", "contract": "a", "mrr": "100", "product": "Core", "start": "2023-01-10"}, {"at": "2023-02-10", "contract": "b", "mrr": "40", "product": "Add-on", "start": "2023-02-10"},
		{"at": "2023-04-10", "contract": "b", "status": "cancelled", "end": "2023-04-10"}},
		[]string{"2023-01-10 new 100.00", "2023-02-10 expansion 40.00", "2023-04-10 contraction 40.00"}},
	{"seats", []map[string]any{{"at": "2023-01-10", "unit_amount": "12.50", "seats": 10, "interval": "month", "start": "2023-01-10"}, {"at": "2023-03-10", "seats": 16}, {"at": "2023-05-10", "seats": 14}},
		[]string{"2023-01-10 new 125.00", "2023-03-10 expansion 75.00", "2023-05-10 contraction 25.00"}},
	{"usage", []map[string]any{{"at": "2023-01-10", "contract": "a", "mrr": "100", "start": "2023-01-10"}, {"at": "2023-02-10", "contract": "b", "mrr": "33.33", "usage": true, "start": "2023-02-10"}}, []string{"2023-01-10 new 100.00"}},
	{"discount once", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "discount_percent": 50, "discount_duration": "once"}}, []string{"2023-01-10 new 50.00", "2023-02-10 expansion 50.00"}},
	{"discount for three months", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "discount_amount": "20", "discount_duration": "repeating", "discount_months": 3}},
		[]string{"2023-01-10 new 80.00", "2023-04-10 expansion 20.00"}},
	{"discount for ever", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "discount_percent": "12.5", "discount_duration": "forever"}}, []string{"2023-01-10 new 87.50"}},
	{"discounts between dates", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "discount_percent": 10, "discount_from": "2023-03-01", "discount_until": "2023-05-01"}},
		[]string{"2023-01-10 new 100.00", "2023-03-01 contraction 10.00", "2023-05-01 expansion 10.00"}},
	{"trial", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "trial_end": "2023-02-10"}}, []string{"2023-02-10 new 100.00"}},
	{"pause", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10"}, {"at": "2023-03-01", "paused_at": "2023-03-10", "resumes_at": "2023-05-10"}},
		[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00", "2023-05-10 expansion 100.00"}},
	{"renews by itself", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "renews": "2023-07-10", "auto_renew": true}}, []string{"2023-01-10 new 100.00"}},
	{"does not renew by itself", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "renews": "2023-07-10", "auto_renew": false}}, []string{"2023-01-10 new 100.00", "2023-07-10 churn 100.00"}},
	{"notice of 60 days", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "renews": "2024-01-10", "term": "1 year", "notice_days": 60}, {"at": "2023-11-01", "cancelled_at": "2023-11-01"}}, []string{"2023-01-10 new 100.00", "2024-01-10 churn 100.00"}},
	{"month to month", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "month_to_month": true}, {"at": "2023-05-20", "status": "cancelled", "cancelled_at": "2023-05-20"}}, []string{"2023-01-10 new 100.00", "2023-06-10 churn 100.00"}},
	{"the customer's paper, with a locked price", []map[string]any{{"at": "2023-01-10", "mrr": "100", "start": "2023-01-10", "paper": "customer", "price_lock": "2025-01-10"}}, []string{"2023-01-10 new 100.00"}},
	{"a sale", []map[string]any{{"at": "2023-01-10", "contract": "a", "mrr": "100", "start": "2023-01-10"}, {"at": "2023-02-10", "contract": "b", "amount": "5000", "type": "one_off", "start": "2023-02-10"}}, []string{"2023-01-10 new 100.00"}},
	{"a membership", []map[string]any{{"at": "2023-01-10", "amount": "60", "interval": "annual", "type": "membership", "start": "2023-01-10"}}, []string{"2023-01-10 new 5.00"}},
	{"another currency, at the rate of its beginning", []map[string]any{{"at": "2023-01-10", "mrr": "100", "currency": "USD", "start": "2023-01-10"}, {"at": "2023-03-10", "mrr": "150"}}, []string{"2023-01-10 new 110.00", "2023-03-10 expansion 55.00"}},
}

// TestEachShapeOfContractIsBookedHoweverItComes puts every shape in from a CSV
// file and from messages, and reads the ledger as a person would.
func TestEachShapeOfContractIsBookedHoweverItComes(t *testing.T) {
	for way, put := range map[string]func(t *testing.T, data string){"csv": shapesAsCSV, "messages": shapesAsMessages} {
		t.Run(way, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			put(t, data)
			rates := filepath.Join(t.TempDir(), "rates.csv")
			if err := os.WriteFile(rates, []byte("currency,day,rate\nUSD,2023-01-01,1.10\nUSD,2023-03-01,1.30\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			if r := run(t, "", "metrics", "rates", rates, "--data", data); r.code != 0 {
				t.Fatalf("%+v", r)
			}
			for i, s := range shapes {
				r := run(t, "", "metrics", "movements", "--account", accountOf(i), "--policy", "chartmogul", "--to", "2024-06", "--data", data, "--json")
				var got struct {
					Movements []struct {
						Day, Kind, Amount string
						Causes            []any
					}
				}
				if r.code != 0 || json.Unmarshal([]byte(r.out), &got) != nil {
					t.Fatalf("%s: %+v", s.name, r)
				}
				booked := []string{}
				for _, m := range got.Movements {
					booked = append(booked, m.Day+" "+m.Kind+" "+m.Amount)
					if len(m.Causes) == 0 {
						t.Errorf("%s: %s %s has no cause", s.name, m.Day, m.Kind)
					}
				}
				slices.Sort(booked)
				if diff := cmp.Diff(s.want, booked); diff != "" {
					t.Errorf("%s (-want +got)\n%s", s.name, diff)
				}
			}
		})
	}
}

func accountOf(i int) string { return fmt.Sprintf("shape-%02d", i) }

// contractOf is the id of the contract that something is said of.
func contractOf(i int, said map[string]any) string {
	name, _ := said["contract"].(string)
	return accountOf(i) + name
}

func shapesAsCSV(t *testing.T, data string) {
	columns := []string{"contract_id", "account", "at"}
	for _, s := range shapes {
		for _, said := range s.said {
			for field := range said {
				if field != "contract" && !slices.Contains(columns, field) {
					columns = append(columns, field)
				}
			}
		}
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.Write(columns)
	for i, s := range shapes {
		for _, said := range s.said {
			row := []string{contractOf(i, said), accountOf(i)}
			for _, c := range columns[2:] {
				cell := ""
				if v, ok := said[c]; ok {
					cell = fmt.Sprint(v)
				}
				row = append(row, cell)
			}
			w.Write(row)
		}
	}
	w.Flush()
	imported(t, data, "contracts", "contracts.csv", b.String())
}

func shapesAsMessages(t *testing.T, data string) {
	var b strings.Builder
	for i, s := range shapes {
		for _, said := range s.said {
			traits := map[string]any{}
			for field, v := range said {
				if field != "contract" && field != "at" {
					traits[field] = v
				}
			}
			line, err := json.Marshal(map[string]any{"type": "contract", "id": contractOf(i, said), "groupId": accountOf(i), "timestamp": said["at"].(string) + "T00:00:00Z", "traits": traits})
			if err != nil {
				t.Fatal(err)
			}
			b.Write(append(line, '\n'))
		}
	}
	imported(t, data, "messages", "contracts.ndjson", b.String())
}

func imported(t *testing.T, data, kind, name, text string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "", "import", file, "--kind", kind, "--data", data); r.code != 0 || !strings.Contains(r.out, "0 rejected") {
		t.Fatalf("%+v", r)
	}
}
