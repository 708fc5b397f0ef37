package vector

import (
	"encoding/json"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// A model in the book is refused, or rates whatever was measured: the points
// of its reasons add up to the level, which lies between nothing and all.
func FuzzModel(f *testing.F) {
	f.Add(defaultModel, 3.0, true)
	f.Add([]byte(`{"name":"m","groups":[{"name":"g","weight":100,"leaves":[{"signal":"usage.events_28d","weight":100,"worst":1e308,"best":-1e308}]}]}`), 1e308, true)
	f.Add([]byte(`{"name":"m","groups":[{"name":"g","weight":100,"leaves":[{"signal":"usage.events_28d","weight":100,"worst":0,"best":5e-324,"missing":"poor"}]}]}`), -1.0, false)
	f.Add([]byte(`{"name":"m","groups":[{"name":"g","weight":100,"how":"add","start":50,"leaves":[{"signal":"usage.events_28d","weight":-100,"best":1,"missing":"poor"}],
		"groups":[{"name":"h","weight":33.3,"how":"worst","leaves":[{"signal":"usage.days_active_28d","bands":[{"to":3,"gives":7},{"from":3,"gives":100}]},{"signal":"support.open_tickets","worst":3}]}]}]}`), 3.0, true)
	c := signal.New(signal.Settings{Zone: time.UTC, Currency: "EUR"})
	f.Fuzz(func(t *testing.T, body []byte, number float64, known bool) {
		var m Model
		if json.Unmarshal(body, &m) != nil {
			return
		}
		if err := m.Check(c); err != nil {
			if cairn.KindOf(err) != cairn.Invalid {
				t.Fatal(err)
			}
			return
		}
		if number-number != 0 { // not a number, which no signal is
			return
		}
		sig := cairn.Signals{}
		i := 0
		for l := range m.Leaves() {
			sig[l.Signal] = cairn.Signal{Name: l.Signal, Number: number, Known: known != (i%3 == 1)}
			i++
		}
		v := m.Vector(func(time.Time) cairn.Signals { return sig }, time.UTC, time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC))
		var sum cairn.Points
		for _, r := range v.Reasons {
			sum += r.Points
		}
		if v.Known && (sum != v.Level || v.Level < 0 || v.Level > cairn.Full) {
			t.Fatalf("a level of %d out of reasons of %d", v.Level, sum)
		}
	})
}
