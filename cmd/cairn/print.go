package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"cairn"
)

// jsonFlag adds --json to a command that prints data.
func jsonFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().Bool("json", false, "print JSON")
}

// printJSON writes v on lines that a person can read too.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// A grid is a table of text. Columns whose heading begins with ">" are
// aligned to the right.
type grid struct {
	head []string
	rows [][]string
}

func (g *grid) add(cells ...string) { g.rows = append(g.rows, cells) }

// print aligns the columns. The last one is never padded, so that long text
// does not draw blanks.
func (g *grid) print(w io.Writer) {
	width := make([]int, len(g.head))
	head := make([]string, len(g.head))
	for i, h := range g.head {
		head[i] = strings.TrimPrefix(h, ">")
	}
	for _, r := range append([][]string{head}, g.rows...) {
		for i, cell := range r {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for _, r := range append([][]string{head}, g.rows...) {
		var b strings.Builder
		for i, cell := range r {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(cell))
			if strings.HasPrefix(g.head[i], ">") {
				cell = pad + cell
			} else {
				cell += pad
			}
			b.WriteString(cell)
			if i < len(r)-1 {
				b.WriteString("  ")
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// level writes points to a tenth, as lists show them.
func level(known bool, p cairn.Points) string {
	if !known {
		return "–"
	}
	return fmt.Sprintf("%.1f", float64(p)/1000)
}

// signed writes points with their sign.
func signed(p cairn.Points) string { return fmt.Sprintf("%+.1f", float64(p)/1000) }

func money(m cairn.Money) string {
	if m.Currency == "" {
		return "–"
	}
	return m.String()
}

// date writes the day of t, and – when there is none.
func date(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.Format(time.DateOnly)
}

func dash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}

// clip shortens s to n characters.
func clip(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
