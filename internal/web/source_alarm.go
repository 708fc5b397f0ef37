package web

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/signal"
)

func stateLook(s ingest.State) string {
	switch s {
	case ingest.IsFine:
		return "chip-good"
	case ingest.IsSilent, ingest.IsUntrusted:
		return "chip-bad"
	case ingest.IsDrifting, ingest.IsOdd:
		return "chip-warn"
	}
	return ""
}

func alarmWord(a ingest.Alarm) string {
	return map[ingest.AlarmKind]string{ingest.Silent: "silent", ingest.Untrusted: "untrusted", ingest.Drifting: "drifting", ingest.Volume: "unusual"}[a.Kind]
}

func staleAlarm(alarms []ingest.Alarm) bool { return !heardOf(alarms).IsZero() }

// heardOf is the moment as of which what a source feeds is shown.
func heardOf(alarms []ingest.Alarm) (heard time.Time) {
	for _, a := range alarms {
		if a.Stale && (heard.IsZero() || a.Heard.Before(heard)) {
			heard = a.Heard
		}
	}
	return heard
}

// A staleGroup are the groups of signals that one silence makes stale.
type staleGroup struct {
	Stale  *cairn.Stale
	Groups []string
}

// staleSources are what is stale of an account's signals, by what is silent.
func staleSources(sig cairn.Signals) []staleGroup {
	by := map[string]*staleGroup{}
	for _, name := range slices.Sorted(maps.Keys(sig)) {
		s := sig[name]
		if s.Stale == nil || !s.Known {
			continue
		}
		def, _ := signal.Find(name)
		group := cmp.Or(def.Group, "Metrics")
		g := by[s.Stale.Why]
		if g == nil {
			g = &staleGroup{Stale: s.Stale}
			by[s.Stale.Why] = g
		}
		if !slices.Contains(g.Groups, group) {
			g.Groups = append(g.Groups, group)
		}
	}
	var out []staleGroup
	for _, why := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[why])
	}
	return out
}

func isAre(n int) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// listed joins words as people do: "Usage, People and Metrics".
func listed(words []string) string {
	if n := len(words); n > 1 {
		return strings.Join(words[:n-1], ", ") + " and " + words[n-1]
	}
	return strings.Join(words, "")
}
