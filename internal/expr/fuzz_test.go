package expr

import (
	"testing"
	"time"

	"cairn"
)

// Whatever is written as an expression is refused or gives a value or an
// error, within its cost.
func FuzzExpression(f *testing.F) {
	for _, s := range []string{
		`"Used " + row.feature`, `row["a name"] == "x" ? null : 1`, `[1,2,3].map(x, x * 2.0)`, `row.list.all(x, x > 1)`,
		`"a,b".split(",")[1].upper().trim()`, `timestamp("2026-03-01T00:00:00Z")`, `duration("1h")`, `1/0`, `{"a": [1, {"b": null}]}`, `-9223372036854775808`,
		`"x".matches("(a+)+$")`, `size(row)`, `number > 1.0 && whole < 2 || !truth`, `moment.getFullYear()`,
	} {
		f.Add(s)
	}
	vars := Vars{"row": Object, "number": Number, "whole": Whole, "truth": Truth, "moment": Moment, "text": Text, "any": Any}
	in := map[string]any{
		"row": map[string]any{"feature": "x", "list": []any{1.0, "2"}, "a name": nil}, "number": 1.5, "whole": int64(2), "truth": true,
		"moment": time.Unix(0, 0).UTC(), "text": "é", "any": nil,
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Compile(text, vars)
		if err != nil {
			if cairn.KindOf(err) != cairn.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		p.Reads("row")
		p.Value(in)
		p.True(in)
		p.Value(map[string]any{})
	})
}
