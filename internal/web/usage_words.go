package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/signal"
)

// testsOf reads rows of conditions; rows without a field are left out.
func testsOf(r *http.Request, field, op, value string) []signal.Test {
	var out []signal.Test
	fields, ops, values := r.PostForm[field], r.PostForm[op], r.PostForm[value]
	for i, f := range fields {
		if f = strings.TrimSpace(f); f == "" || i >= len(ops) || i >= len(values) {
			continue
		}
		out = append(out, signal.Test{Field: f, Op: ops[i], Value: valueOf(ops[i], values[i])})
	}
	return out
}

// valueOf reads a value as somebody typed it: a list where the comparison
// takes one, a number or truth where it looks like one.
func valueOf(op, text string) any {
	one := func(t string) any {
		t = strings.TrimSpace(t)
		if n, err := strconv.ParseFloat(t, 64); err == nil {
			return n
		}
		switch t {
		case "true", "yes":
			return true
		case "false", "no":
			return false
		}
		return t
	}
	switch op {
	case "exists", "missing":
		return nil
	case "in", "not_in":
		list := []any{}
		for _, part := range strings.Split(text, ",") {
			if strings.TrimSpace(part) != "" {
				list = append(list, one(part))
			}
		}
		return list
	case "contains":
		return strings.TrimSpace(text)
	}
	return one(text)
}

// valueText is a value as a form shows it.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = valueText(w)
		}
		return strings.Join(words, ", ")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// threeTests are the conditions with empty rows behind them, to fill in.
func threeTests(all []signal.Test) []signal.Test {
	out := slices.Clone(all)
	for len(out) < 3 || len(out) == len(all) {
		out = append(out, signal.Test{Op: "is"})
	}
	return out
}

func productName(p string) string {
	if p == "" {
		return "the main product"
	}
	return p
}

// meaningfulVersion changes with what the live part shows.
func (t meaningfulView) version() string {
	var b strings.Builder
	fmt.Fprint(&b, t.At.Unix(), t.Rev, len(t.Events), t.Counting.Running, t.Counting.Done, t.Progress)
	return cairn.HashID(b.String()).String()[:12]
}

// working reports whether something is under way that the page waits for.
func (t meaningfulView) working() bool { return t.Counting.Running || len(t.Progress) > 0 }

func (s *site) meaningfulLive(w http.ResponseWriter, r *http.Request, v View) error {
	var t meaningfulView
	var err error
	if t.Catalogue, err = s.Usage.Events(r.Context(), false); err != nil {
		return err
	}
	t.Progress = s.Progress()
	if t.version() == r.FormValue("v") {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.write(w, r, http.StatusOK, meaningfulUpdate(v, t))
}

// trendOf draws weeks as bars in a box of 72 by 20.
func trendOf(weeks []int64) []bar {
	var most int64 = 1
	for _, n := range weeks {
		most = max(most, n)
	}
	out := make([]bar, len(weeks))
	for i, n := range weeks {
		h := 0.0
		if n > 0 {
			h = max(float64(n)/float64(most)*20, 1)
		}
		out[i] = bar{X: i * 6, Y: fmt.Sprintf("%.1f", 20-h), H: fmt.Sprintf("%.1f", h), Accepted: n}
	}
	return out
}

func trendText(v View, weeks []int64) string {
	words := make([]string, len(weeks))
	for i, n := range weeks {
		words[i] = v.Count(n)
	}
	return fmt.Sprintf("Each of the last %d weeks: %s", len(weeks), strings.Join(words, ", "))
}
