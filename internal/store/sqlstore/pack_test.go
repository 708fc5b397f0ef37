package sqlstore

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"cairn"
)

// packedExample is a vector and signals as an account has them.
func packedExample() (cairn.Vector, cairn.Signals) {
	now := time.Date(2026, 3, 1, 9, 30, 0, 123_000, time.UTC)
	stale := &cairn.Stale{Since: now.AddDate(0, 0, -3), Source: "billing", Why: "as of 26 Feb, billing has been silent since"}
	v := cairn.Vector{At: now, Known: true, Level: 71_234, Way: cairn.Rising, Slope: -1_200, Model: "standard", Rev: 3, Counted: "x", Why: "71.2 and rising"}
	s := cairn.Signals{
		"a.missing": {Name: "a.missing", Why: "no survey was ever answered"},
		"a.text":    {Name: "a.text", Known: true, Text: "annual", Fresh: now},
		"a.tiny":    {Name: "a.tiny", Known: true, Number: -math.SmallestNonzeroFloat64},
		"a.zero":    {Name: "a.zero", Known: true, Number: math.Copysign(0, -1)},
		"a.huge":    {Name: "a.huge", Known: true, Number: math.Inf(1)},
		"a.stale":   {Name: "a.stale", Known: true, Number: 12, Fresh: now, Stale: stale},
	}
	for i := range 18 {
		v.Reasons = append(v.Reasons, cairn.Reason{
			Signal: fmt.Sprintf("usage.active_people_%dd", i), Group: "Usage", Label: "People active in 28 days", Value: float64(i) * 1.5, Known: i%3 != 0,
			Points: cairn.Points(-i), Of: 5000, Text: "3 of 12 people were active in 28 days", Rule: "0 at 0 % … full at 80 %", Fresh: now.Format(time.RFC3339),
		})
		name := fmt.Sprintf("usage.events_%dd", i)
		s[name] = cairn.Signal{Name: name, Known: true, Number: float64(i) * 1.25, Fresh: now}
	}
	v.Reasons[3].Stale = stale
	for i := range 14 {
		v.Trail = append(v.Trail, cairn.Mark{At: now.AddDate(0, 0, 7*(i-13)), Level: cairn.Points(70_000 + i), Known: i > 2, Gap: []string{"", "as of 12 Nov"}[i%2]})
	}
	return v, s
}

func TestWhatIsPackedIsReadTheSame(t *testing.T) {
	vector, signals := packedExample()
	for _, v := range []cairn.Vector{vector, {}, {Reasons: []cairn.Reason{}, Trail: []cairn.Mark{}}} {
		if got, err := unpackVector(packVector(&v)); err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%+v is read as %+v, %v", v, got, err)
		}
	}
	for _, s := range []cairn.Signals{signals, nil, {}} {
		if got, err := unpackSignals(packSignals(s)); err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%+v is read as %+v, %v", s, got, err)
		}
	}
	if got, err := unpackVector(nil); err != nil || !reflect.DeepEqual(got, cairn.Vector{}) {
		t.Errorf("nothing is read as %+v, %v", got, err)
	}
	for i := range packVector(&vector) {
		packed := packVector(&vector)
		if _, err := unpackVector(packed[:i]); err == nil && i > 0 {
			t.Errorf("%d of %d bytes are no error", i, len(packed))
		}
	}
}

// A field that is added to one of these types must be packed too.
func TestEveryFieldIsPacked(t *testing.T) {
	for _, c := range []struct {
		of     reflect.Type
		fields int
	}{
		{reflect.TypeFor[cairn.Vector](), 11}, {reflect.TypeFor[cairn.Reason](), 11}, {reflect.TypeFor[cairn.Mark](), 4},
		{reflect.TypeFor[cairn.Signal](), 7}, {reflect.TypeFor[cairn.Stale](), 3},
	} {
		if n := c.of.NumField(); n != c.fields {
			t.Errorf("%v has %d fields, of which pack.go knows %d", c.of, n, c.fields)
		}
	}
}

func BenchmarkPack(b *testing.B) {
	v, s := packedExample()
	n := 0
	for b.Loop() {
		n = len(packVector(&v)) + len(packSignals(s))
	}
	b.ReportMetric(float64(n), "bytes")
}

func BenchmarkUnpack(b *testing.B) {
	v, s := packedExample()
	packed, of := packVector(&v), packSignals(s)
	for b.Loop() {
		if _, err := unpackVector(packed); err != nil {
			b.Fatal(err)
		}
		if _, err := unpackSignals(of); err != nil {
			b.Fatal(err)
		}
	}
}
