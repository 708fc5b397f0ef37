package book

import "strings"

// A Line is one line of what changed between two texts.
type Line struct {
	Sign string `json:"sign"` // "+" added, "-" left out, " " as it was
	Text string `json:"text"`
}

// Diff returns what changed line by line, with up to around lines of what did
// not about each change; nil when nothing did.
func Diff(before, after string, around int) []Line {
	all := lines(split(before), split(after))
	keep := make([]bool, len(all))
	changed := false
	for i, l := range all {
		if l.Sign == " " {
			continue
		}
		changed = true
		for j := max(0, i-around); j <= min(len(all)-1, i+around); j++ {
			keep[j] = true
		}
	}
	if !changed {
		return nil
	}
	var out []Line
	for i, l := range all {
		if keep[i] {
			out = append(out, l)
		}
	}
	return out
}

func split(text string) []string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// lines joins two texts by their longest common subsequence.
func lines(a, b []string) []Line {
	long := make([][]int, len(a)+1) // of what begins at each place
	for i := range long {
		long[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				long[i][j] = long[i+1][j+1] + 1
			} else {
				long[i][j] = max(long[i+1][j], long[i][j+1])
			}
		}
	}
	var out []Line
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			out = append(out, Line{" ", a[i]})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || long[i+1][j] >= long[i][j+1]):
			out = append(out, Line{"-", a[i]})
			i++
		default:
			out = append(out, Line{"+", b[j]})
			j++
		}
	}
	return out
}
