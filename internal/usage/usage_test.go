package usage

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/signal"
)

func TestDefinitionsComeRoundAsText(t *testing.T) {
	for _, m := range []signal.Metric{
		{Name: "a", Title: "A: with a colon", Count: signal.CountEvents, Events: []string{"Report Created", "#1"}, Products: []string{"", "mobile"}, Days: 28, Change: true},
		{Name: "b", Title: "B", Unit: "%", Meaning: "Said \"so\"", Count: signal.CountRatio, Of: "a", By: "c"},
		{Name: "c", Title: "yes", Count: signal.CountSum, Property: "deep.er", Events: []string{"no"}, Days: 7, PerSeat: true, Where: []signal.Test{
			{Field: "plan", Op: "in", Value: []any{"gold", "12", 12.5, true}}, {Field: "n", Op: "above", Value: -3.0}, {Field: "x", Op: "exists"},
		}},
	} {
		text, err := MetricText(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := ParseMetric(text)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Errorf("(-went +came):\n%s\n%s", diff, text)
		}
	}
	choice := signal.Meaningful{
		Choice: signal.Choice{Except: []string{}}, Products: map[string]signal.Choice{"": {Only: []string{"A"}}},
		Sets: []signal.Set{{Name: "S", All: []signal.Test{{Field: "trait.plan", Op: "is", Value: "1"}}, Choice: signal.Choice{Except: []string{"x"}}}},
	}
	text, err := MeaningfulText(choice)
	if err != nil {
		t.Fatal(err)
	}
	back, err := ParseMeaningful(text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	if diff := cmp.Diff(choice, back); diff != "" {
		t.Errorf("(-went +came):\n%s\n%s", diff, text)
	}
}

func TestTextThatCannotBeReadSaysWhy(t *testing.T) {
	for text, want := range map[string]string{
		"name: [": "cannot be read", "name: x\nnmae: y": `unknown field "nmae"`, "days: many": "cannot be read", "- a": "cannot be read",
	} {
		_, err := ParseMetric(text)
		if cairn.KindOf(err) != cairn.Invalid || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestVolumesOfSourcesAndDaysAreOneEvent(t *testing.T) {
	const today = cairn.Day(1000)
	at := func(d cairn.Day) time.Time { return d.Start(time.UTC) }
	key := func(d cairn.Day, source string) signal.VolumeKey {
		return signal.VolumeKey{Day: d, Product: "app", Name: "A", Source: source}
	}
	ever := map[signal.VolumeKey]signal.Volume{key(900, "web"): {N: 70, Last: at(today)}, key(950, "crm"): {N: 3, Last: at(999)}}
	recent := map[signal.VolumeKey]signal.Volume{
		key(today, "web"): {N: 1}, key(today-6, "crm"): {N: 2}, key(today-7, "web"): {N: 4}, key(today-27, "web"): {N: 8},
		key(today-28, "web"): {N: 16}, key(today-55, "web"): {N: 32}, key(today-83, "web"): {N: 64}, key(today+1, "web"): {N: 1000},
	}
	got := merge(ever, recent, today)
	want := []Event{{
		Product: "app", Name: "A", Sources: []string{"crm", "web"}, Recent: 15, Before: 48, Ever: 73, First: 900, Last: at(today),
		Weeks: []int64{64, 0, 0, 0, 32, 0, 0, 16, 8, 0, 4, 3},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
