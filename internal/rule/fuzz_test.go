package rule

import (
	"encoding/json"
	"testing"

	"cairn"
)

// A rule in the book is refused, or decides and says why.
func FuzzRule(f *testing.F) {
	for _, r := range Defaults() {
		body, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body, 3.0, "falling")
	}
	f.Add([]byte(`{"name":"r","title":"t","all":[{"field":"way","op":"is","value":"falling"},{"field":"x","op":"below","value":1e308}]}`), -1e308, "")
	f.Add([]byte(`{"name":"r","title":"t","all":[{"field":"x","op":"is_not","value":true}]}`), 1.0, "rising")
	kind := func(name string) (cairn.Type, bool) { return cairn.Number, name != "" }
	f.Fuzz(func(t *testing.T, body []byte, number float64, way string) {
		var r Rule
		if json.Unmarshal(body, &r) != nil {
			return
		}
		if err := r.Check(kind); err != nil {
			if cairn.KindOf(err) != cairn.Invalid {
				t.Fatal(err)
			}
			return
		}
		now := Input{Vector: cairn.Vector{Known: true, Level: cairn.Points(number), Way: cairn.Way(way)}, Signals: cairn.Signals{}}
		for _, c := range r.All {
			now.Signals[c.Field] = cairn.Signal{Name: c.Field, Number: number, Text: way, Known: true}
		}
		for _, prev := range []*Input{nil, {}, &now} {
			if d := r.Decide(now, prev); d.Why == "" || d.Fire && !d.Holds {
				t.Fatalf("%s decides %+v", body, d)
			}
		}
	})
}
