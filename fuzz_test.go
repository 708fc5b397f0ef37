package cairn

import (
	"encoding/json"
	"testing"
	"time"
)

func FuzzMoney(f *testing.F) {
	for _, s := range []string{"1204.50", "-0.01", "1e3", "1e1000000000", "1/3", "0x10", "1_000", " 7 ", "NaN", "9223372036854775807", "--1"} {
		f.Add(s, "EUR")
	}
	f.Add("1204", "JPY")
	f.Add("1.234", "kwd")
	f.Fuzz(func(t *testing.T, amount, currency string) {
		m, err := ParseMoney(amount, currency)
		if err != nil {
			if KindOf(err) != Invalid {
				t.Fatalf("%q %q: %v", amount, currency, err)
			}
			return
		}
		text := m.String()
		again, err := ParseMoney(text[:len(text)-len(m.Currency)-1], m.Currency)
		if err != nil || again != m {
			t.Fatalf("%q of %q is %v, which is read as %v, %v", amount, currency, m, again, err)
		}
	})
}

func FuzzID(f *testing.F) {
	f.Add("0123456789abcdef0123456789abcdef", []byte("0123456789abcdef"))
	f.Fuzz(func(t *testing.T, text string, raw []byte) {
		if id, err := ParseID(text); err == nil {
			if again, err := ParseID(id.String()); err != nil || again != id {
				t.Fatalf("%q is %v, which is read as %v, %v", text, id, again, err)
			}
		}
		var id ID
		if err := id.Scan(raw); err == nil && len(raw) > 0 && string(id[:]) != string(raw) {
			t.Fatalf("% x is read as %v", raw, id)
		}
	})
}

// A record's fields are JSON of whatever a source sent.
func FuzzFields(f *testing.F) {
	for _, s := range []string{`"2026-03-01"`, `1204.5`, `"1e99999999"`, `true`, `null`, `{"a":1}`, `[`, ``, `"`} {
		f.Add(s, "EUR")
	}
	f.Fuzz(func(t *testing.T, value, currency string) {
		cur, _ := json.Marshal(currency)
		r := Record{Fields: map[string]Said{"x": {Value: json.RawMessage(value)}, "currency": {Value: cur}}}
		r.Text("x")
		r.Number("x")
		r.Bool("x")
		r.Money("x", "EUR")
		if at, ok := r.Time("x"); ok && at.Location() != time.UTC {
			t.Fatalf("%s is %v", value, at)
		}
	})
}

func FuzzMicros(f *testing.F) {
	f.Add(int64(0), int64(1))
	f.Add(int64(1<<62), int64(-1))
	f.Fuzz(func(t *testing.T, micros, other int64) {
		if at := FromMicros(micros); Micros(at) != micros {
			t.Fatalf("%d is %v, which is %d", micros, at, Micros(at))
		}
		if p := PositionOf(micros); micros >= 0 && p.Key() != micros {
			t.Fatalf("%d is %v, which is %d", micros, p, p.Key())
		}
	})
}
