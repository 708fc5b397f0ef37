package signal

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/ledger"
)

func TestWhatAContractCountsForIsWhatTheLedgerSays(t *testing.T) {
	tests := []struct {
		name   string
		policy string
		fields string
		want   float64
	}{
		{"a discount lowers it", "", `{"mrr":100,"discount_percent":25,"discount_duration":"forever"}`, 7500},
		{"a discount that ended does not", "", `{"mrr":100,"discount_percent":25,"discount_until":"2026-03-01"}`, 10000},
		{"one that repeats does not count as Stripe counts", "stripe", `{"mrr":100,"discount_percent":25,"discount_duration":"repeating","discount_months":12}`, 10000},
		{"of several the second is of what the first left", "", `{"mrr":100,"discounts":[{"percent":50},{"amount":"10"}]}`, 4000},
		{"a pause is nothing", "", `{"mrr":100,"paused_at":"2026-03-20"}`, 0},
		{"a pause that is over is not", "", `{"mrr":100,"paused_at":"2026-03-20","resumes_at":"2026-03-25"}`, 10000},
		{"a pause changes nothing as Stripe counts", "stripe", `{"mrr":100,"paused_at":"2026-03-20"}`, 10000},
		{"a trial by its date", "", `{"mrr":100,"trial_end":"2026-04-02"}`, 0},
		{"after the trial", "", `{"mrr":100,"trial_end":"2026-03-30"}`, 10000},
		{"a sale for once", "", `{"amount":100,"type":"one_off"}`, 0},
		{"metered", "", `{"mrr":100,"usage":true}`, 0},
		{"metered as ProfitWell counts", "profitwell", `{"mrr":100,"usage":true}`, 10000},
		{"notice was given and the term goes on", "", `{"mrr":100,"cancelled_at":"2026-03-10","end":"2026-06-01","status":"active"}`, 10000},
		{"past due for long as Baremetrics counts", "baremetrics", `{"mrr":100,"status":"past_due"}`, 0},
		{"a discount of an interval's price", "", `{"amount":"1200","interval":"annual","discount_amount":"120","discount_duration":"forever"}`, 9000},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ledger.Preset(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			s := NewState(time.UTC)
			s.Fold(stated(60, cairn.OfContract, 1, "billing", tt.fields))
			got := New(Settings{Policy: p}).Measure(s, Yardsticks{}, noon)[MRR]
			if !got.Known || got.Number != tt.want {
				t.Errorf("%+v, want %v", got, tt.want)
			}
		})
	}
}

func TestARateLetsAnotherCurrencyCount(t *testing.T) {
	s := NewState(time.UTC)
	s.Fold(stated(60, cairn.OfContract, 1, "billing", `{"mrr":100,"currency":"USD","seats":4}`))
	half := []ledger.Rate{{Currency: "USD", Day: 0, Num: 1, Den: 2}}
	if got := New(Settings{Rates: half}).Measure(s, Yardsticks{}, noon)[MRR]; got.Number != 5000 {
		t.Errorf("with a rate: %+v", got)
	}
	without := New(Settings{}).Measure(s, Yardsticks{}, noon)
	if without[MRR].Known || without[Seats].Number != 4 {
		t.Errorf("without one: %+v, and %+v", without[MRR], without[Seats])
	}
}

func TestAContractOfNoPriceIsInForceAndCountsForNothing(t *testing.T) {
	s := NewState(time.UTC)
	s.Fold(stated(60, cairn.OfContract, 1, "billing", `{"seats":4,"renews":"2026-04-10"}`))
	got := New(Settings{}).Measure(s, Yardsticks{}, noon)
	if got[MRR].Known || got[Seats].Number != 4 || got[RenewsIn].Number != 10 {
		t.Errorf("%+v, %+v, %+v", got[MRR], got[Seats], got[RenewsIn])
	}
}

// patches are what may be said of a contract, day by day.
var patches = []string{
	`{"mrr":"%d.35"}`, `{"mrr":null,"amount":"%d","interval":"annual"}`, `{"unit_amount":"%d.10","seats":3}`, `{"status":"active"}`, `{"status":"paused"}`,
	`{"status":"past_due"}`, `{"status":"cancelled"}`, `{"discount_percent":10,"discount_duration":"repeating","discount_months":2}`,
	`{"discount_amount":"5","discount_duration":"once"}`, `{"trial_end":"2026-01-20"}`, `{"paused_at":"2026-02-10","resumes_at":"2026-02-25"}`,
	`{"cancelled_at":"2026-03-01"}`, `{"end":"2026-03-20"}`, `{"end":null,"cancelled_at":null}`, `{"renews":"2026-02-15","auto_renew":false}`,
	`{"renews":"2026-04-15","auto_renew":true}`, `{"usage":true}`, `{"usage":false}`, `{"type":"one_off"}`, `{"start":"2026-01-05"}`, `{"refunded_at":"2026-02-20"}`,
}

func TestTheSignalIsTheSumOfTheLedgersMovements(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewState(time.UTC)
		begun := noon.AddDate(0, 0, -100)
		for i := range rapid.IntRange(1, 3).Draw(t, "contracts") {
			s.Fold(stated(100, cairn.OfContract, i, "billing", `{"mrr":"10.15"}`))
			for n := range rapid.IntRange(0, 6).Draw(t, "patches") {
				text := rapid.SampledFrom(patches).Draw(t, "patch")
				if slices.Contains([]int{0, 1, 2}, slices.Index(patches, text)) {
					text = fmt.Sprintf(text, rapid.IntRange(0, 900).Draw(t, "amount"))
				}
				s.Fold(stated(float64(rapid.IntRange(0, 99).Draw(t, "day"))+float64(n)/100, cairn.OfContract, i, "billing", text))
			}
		}
		p := rapid.SampledFrom(ledger.Presets).Draw(t, "policy")
		at := begun.AddDate(0, 0, rapid.IntRange(1, 100).Draw(t, "at"))
		got := New(Settings{Policy: p}).Measure(s, Yardsticks{}, at)[MRR]
		if want := booked(s, p, at); !got.Known || got.Number != float64(want) {
			t.Fatalf("measured %+v, and the ledger has %d", got, want)
		}
	})
}

// booked is what the ledger's movements until a moment add up to.
func booked(s *State, p ledger.Policy, at time.Time) (sum int64) {
	by := map[cairn.RecordID][]cairn.Fact{}
	for _, f := range s.Facts {
		if !f.At.After(at) {
			by[f.Record] = append(by[f.Record], f)
		}
	}
	var lines []ledger.Line
	for id, facts := range by {
		if l, _ := (ledger.Reader{Zone: time.UTC, Currency: "EUR"}).Line(id, cairn.AccountID{}, facts); l != nil {
			lines = append(lines, *l)
		}
	}
	slices.SortFunc(lines, func(a, b ledger.Line) int { return cmp.Compare(a.Record.String(), b.Record.String()) })
	var out ledger.Result
	ledger.NewDeriver(p, ledger.NewRates("EUR", nil), cairn.DayOf(at, time.UTC)).Derive(lines, &out)
	for _, m := range out.Movements {
		sum += m.Signed()
	}
	return sum
}
