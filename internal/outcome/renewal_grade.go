package outcome

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"cairn"
	"cairn/internal/forecast"
)

// Grades are how forecasts of past quarters turned out.
type Grades struct {
	At       time.Time `json:"at"`
	Currency string    `json:"currency"`
	Quarters []Grade   `json:"quarters"` // the latest first
	All      Scores    `json:"all"`      // of all quarters together
	// What became of renewals that were forecast about alike, over all quarters.
	Model []forecast.Bin `json:"calibration"`
	Human []forecast.Bin `json:"calibration_human"`
}

// A Grade is how the forecast of one quarter turned out. Amounts are a month,
// in minor units.
type Grade struct {
	Quarter  Quarter          `json:"quarter"`
	At       time.Time        `json:"at"`   // by what was known then
	Made     time.Time        `json:"made"` // when it was written down; zero: worked out now
	Renewals int              `json:"renewals"`
	Renewed  int              `json:"renewed"`
	Moved    int              `json:"moved"`  // they no longer come up then, and are not graded
	Unsaid   int              `json:"unsaid"` // the model said nothing of them; only people are graded
	Original int64            `json:"original"`
	Outlook  forecast.Outlook `json:"outlook"`
	Human    int64            `json:"human"`
	Booked   int64            `json:"booked"` // of Original
	Scores   Scores           `json:"scores"`
}

// Scores are how far chances were off: Brier scores, of which less is better.
// Those of people, and of the model beside them, are of the renewals of which
// people had said something.
type Scores struct {
	Count      int      `json:"renewals"`
	Model      *float64 `json:"brier"`
	Plain      *float64 `json:"brier_base"` // had one said of each the share of all
	Called     int      `json:"called"`
	Human      *float64 `json:"brier_human"`
	ModelThere *float64 `json:"brier_where_called"`
}

// Error returns by how much the forecast was too high.
func (g Grade) Error() int64 { return g.Outlook.Expected - g.Booked }

// Share returns the error by what was booked; nil where that is nothing.
func (g Grade) Share() *float64 {
	if g.Booked == 0 {
		return nil
	}
	f := float64(g.Error()) / float64(g.Booked)
	return &f
}

// Within reports whether what was booked lies within the forecast's interval.
func (g Grade) Within() bool { return g.Outlook.Low <= g.Booked && g.Booked <= g.Outlook.High }

// mostQuarters is how many past quarters are graded.
const mostQuarters = 12

// Grades returns how the forecasts of quarters that are over turned out, as far
// as anything was forecast, by what is known at a moment (zero: now).
func (s *Renewals) Grades(ctx context.Context, scope cairn.Scope, at time.Time) (Grades, error) {
	h, err := s.read(ctx, at)
	if err != nil {
		return Grades{}, err
	}
	g := Grades{At: h.At, Currency: h.Currency, Quarters: []Grade{}}
	written, err := s.snapshots(ctx, h.At)
	if err != nil {
		return g, err
	}
	var all marks
	for q, n := QuarterOf(h.Today)-1, 0; n < mostQuarters; q, n = q-1, n+1 {
		snap, ok := written[q]
		if !ok || snap.Currency != h.Currency {
			snap = h.snapshot(q, q.First()-1)
		}
		snap.Rows = slices.DeleteFunc(snap.Rows, func(f Forecast) bool {
			i, ok := h.at[f.Contract]
			return ok && !scope.Sees(h.contracts[i].account)
		})
		if len(snap.Rows) == 0 {
			continue
		}
		grade, m := h.grade(snap)
		if grade.Renewals > 0 {
			g.Quarters = append(g.Quarters, grade)
		}
		all.join(m)
	}
	g.All, g.Model, g.Human = all.scores(), forecast.Calibrate(all.model), forecast.Calibrate(all.human)
	return g, nil
}

// snapshots returns what was written down until a moment.
func (s *Renewals) snapshots(ctx context.Context, until time.Time) (map[Quarter]Snapshot, error) {
	pages, err := s.Book.Pages(ctx, SnapshotPages)
	if err != nil {
		return nil, err
	}
	out := map[Quarter]Snapshot{}
	for _, p := range pages {
		var snap Snapshot
		if err := json.Unmarshal(p.Body, &snap); err != nil {
			return nil, err
		}
		if !snap.Made.After(until) {
			out[snap.Quarter] = snap
		}
	}
	return out, nil
}

// marks are the calls that are graded.
type marks struct {
	model, plain, human, there []forecast.Call
}

func (m *marks) join(o marks) {
	m.model, m.plain = append(m.model, o.model...), append(m.plain, o.plain...)
	m.human, m.there = append(m.human, o.human...), append(m.there, o.there...)
}

func (m *marks) scores() Scores {
	return Scores{
		Count: len(m.model), Model: forecast.Brier(m.model), Plain: forecast.Brier(m.plain),
		Called: len(m.human), Human: forecast.Brier(m.human), ModelThere: forecast.Brier(m.there),
	}
}

// grade says how a snapshot turned out.
func (h *history) grade(s Snapshot) (Grade, marks) {
	g := Grade{Quarter: s.Quarter, At: s.At, Made: s.Made, Outlook: s.Outlook, Human: s.Human}
	var m marks
	for _, f := range s.Rows {
		e := h.became(f)
		if e == nil {
			g.Moved++
			continue
		}
		if f.Human != nil {
			m.human = append(m.human, forecast.Call{Chance: *f.Human, Kept: e.Kept()})
		}
		if f.Chance == nil {
			g.Unsaid++
			continue
		}
		g.Renewals++
		g.Original += f.Original
		if e.Kept() {
			g.Renewed++
			g.Booked += min(e.Booked, f.Original)
		}
		m.model = append(m.model, forecast.Call{Chance: *f.Chance, Kept: e.Kept()})
		m.plain = append(m.plain, forecast.Call{Chance: s.Plain.Chance, Kept: e.Kept()})
		if f.Human != nil {
			m.there = append(m.there, forecast.Call{Chance: *f.Chance, Kept: e.Kept()})
		}
	}
	g.Scores = m.scores()
	return g, m
}

// became returns the renewal that was meant, which may have been put off by
// some weeks; nil when the contract no longer comes up then.
func (h *history) became(f Forecast) *entry {
	i, ok := h.at[f.Contract]
	due, err := time.Parse(time.DateOnly, f.Due)
	if !ok || err != nil {
		return nil
	}
	e := h.nearest(&h.contracts[i], cairn.DayOf(due, time.UTC), nil)
	if e == nil || e.Open {
		return nil
	}
	return e
}
