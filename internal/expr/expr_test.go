package expr

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cairn"

	"github.com/google/go-cmp/cmp"
)

func TestExpressionsGiveNativeValues(t *testing.T) {
	row := map[string]any{"plan": "Pro", "seats": int64(12), "monthly charges": "29.85", "tags": []any{"a", "b"}, "gone": nil}
	for _, c := range []struct {
		name, text string
		want       any
	}{
		{"text", `row.plan`, "Pro"},
		{"choice", `row.plan == "Pro" ? "paid" : "free"`, "paid"},
		{"a name with a space", `double(row["monthly charges"])`, 29.85},
		{"whole number", `row.seats * 2`, int64(24)},
		{"truth", `row.plan in ["Pro", "Basic"]`, true},
		{"null", `row.gone`, nil},
		{"list", `row.tags.map(t, t + "!")`, []any{"a!", "b!"}},
		{"map", `{"seats": row.seats}`, map[string]any{"seats": int64(12)}},
		{"time", `timestamp("2024-02-03T04:05:06+02:00")`, time.Date(2024, 2, 3, 2, 5, 6, 0, time.UTC)},
		{"lower", `row.plan.lower()`, "pro"},
		{"upper and trim", `" x ".trim().upper()`, "X"},
		{"split", `"a|b".split("|")`, []any{"a", "b"}},
		{"absent field", `has(row.nothing)`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Compile(c.text, Vars{"row": Object})
			if err != nil {
				t.Fatal(err)
			}
			got, err := p.Value(map[string]any{"row": row})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestCompileNamesLineAndColumn(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown name", "row.plan == 'x' &&\n  plan == 'y'", "line 2, column 3: undeclared reference to 'plan'"},
		{"syntax", "row.plan ==", "line 1, column 12"},
		{"types", "1 + 'x'", "line 1, column 3"},
		{"empty", "  ", "empty"},
		{"long", strings.Repeat("1+", MaxText) + "1", "longer than 10000"},
		{"no clock", "now()", "undeclared reference to 'now'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Compile(c.text, Vars{"row": Object})
			if cairn.KindOf(err) != cairn.Invalid || !strings.Contains(cairn.TextOf(err), c.want) {
				t.Errorf("got %v, want an Invalid that contains %q", err, c.want)
			}
		})
	}
}

func TestAnExpressionThatCostsTooMuchFails(t *testing.T) {
	p, err := Compile(`row.l.all(a, row.l.all(b, row.l.all(c, a + b + c >= 0)))`, Vars{"row": Object})
	if err != nil {
		t.Fatal(err)
	}
	list := make([]any, 1000)
	for i := range list {
		list[i] = int64(i)
	}
	if _, err = p.Value(map[string]any{"row": map[string]any{"l": list}}); err == nil || !strings.Contains(cairn.TextOf(err), "cost") {
		t.Errorf("got %v, want the cost limit", err)
	}
}

func TestFailuresAreSaidInWords(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"absent field", `row.nothing == "x"`, "no such key: nothing"},
		{"not a number", `double(row.word) > 1.0`, "double"},
		{"by zero", `1 / int(row.zero) > 0`, "division by zero"},
		{"not finite", `1.0 / 0.0 > 0.0 ? 1.0 / 0.0 : 0.0`, "finite"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p, err := Compile(c.text, Vars{"row": Object})
			if err != nil {
				t.Fatal(err)
			}
			_, err = p.Value(map[string]any{"row": map[string]any{"zero": int64(0), "word": "abc"}})
			if cairn.KindOf(err) != cairn.Invalid || !strings.Contains(cairn.TextOf(err), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestTrueWantsATruthValue(t *testing.T) {
	p, err := Compile(`row.plan`, Vars{"row": Object})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.True(map[string]any{"row": map[string]any{"plan": "x"}}); err == nil {
		t.Error("text was taken for a truth value")
	}
}

func TestReadsNamesTheFieldsOfAVariable(t *testing.T) {
	p, err := Compile(`has(row.closed) && row["opened at"] != "" || row.tags.exists(t, t == row.plan) && n > 1.0`, Vars{"row": Object, "n": Number})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"closed", "opened at", "plan", "tags"}, p.Reads("row")); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if got := p.Reads("n"); got != nil {
		t.Errorf("a number has no fields, got %v", got)
	}
}

func TestPlainTurnsJSONIntoWhatExpressionsKnow(t *testing.T) {
	got := Plain(map[string]any{"a": json.Number("3"), "b": []any{json.Number("1.5")}, "c": "x"})
	if d := cmp.Diff(map[string]any{"a": int64(3), "b": []any{1.5}, "c": "x"}, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}
