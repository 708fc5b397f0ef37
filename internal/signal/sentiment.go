package signal

import (
	"slices"
	"time"

	"cairn"
)

var surveys = []struct{ survey, signal, why string }{
	{"nps", NPS, "Nobody has answered the recommendation question."},
	{"csat", CSAT, "Nobody has answered the satisfaction question."},
	{"ces", CES, "Nobody has answered the effort question."},
}

// An answer as it stood at a moment.
type answer struct {
	survey string
	score  float64
	when   time.Time
}

func (m *measurement) sentiment() {
	var answers []answer
	m.records(cairn.OfAnswer, func(r *record) {
		score, ok := r.number("score", m.t)
		when := r.first
		if v, ok := r.time("answered", m.t); ok {
			when = v.when
		}
		if ok && !when.After(m.t) {
			answers = append(answers, answer{r.text("survey", m.t), score, when})
		}
	})
	// Stable: of answers at one moment the record that sorts first counts.
	slices.SortStableFunc(answers, func(a, b answer) int { return b.when.Compare(a.when) })
	for _, q := range surveys {
		i := slices.IndexFunc(answers, func(a answer) bool { return a.survey == q.survey })
		if i < 0 {
			m.missing(q.why, q.signal)
			continue
		}
		m.number(q.signal, answers[i].score, answers[i].when)
	}
	if len(answers) == 0 {
		m.missing("Nobody has answered a survey.", SinceAnswer)
		return
	}
	last := answers[0].when
	m.number(SinceAnswer, m.since(cairn.DayOf(last, m.settings.Zone)), last)
}
