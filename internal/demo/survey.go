package demo

import (
	"fmt"
	"math"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// surveys are the answers to "would you recommend us?", asked every quarter
// (R105). How people feel decides what they say, and whether they answer.
func (t *teller) surveys() {
	a := t.a
	first := a.first(t.Company)
	for day := a.since + 45; day < t.horizon && !a.gone(day); day += 91 {
		if day < first {
			continue
		}
		for i, role := range []string{"champion", "administrator", "user"} {
			t.recommend(day, i, role)
		}
	}
}

func (t *teller) recommend(asked cairn.Day, i int, role string) {
	a := t.a
	roll := t.dice(a.n, surveyTheme, int64(asked)<<4|int64(i))
	day := workday(asked + cairn.Day(roll.between(0, 9)))
	p, ok := a.who(role, day)
	if !ok || a.gone(day) || (role != "user" && p.role != role) || !roll.chance(0.45) {
		return
	}
	f := a.feeling(day, t.Company)
	t.answer(p, day, "nps", asked.String()+"-"+role, int(math.Round(min(max(9.2*f+roll.NormFloat64()*1.1-0.4, 0), 10))))
}

// answer tells one answer, with a comment now and then.
func (t *teller) answer(p person, d cairn.Day, survey, id string, score int) {
	roll := t.dice(t.a.n, surveyTheme, keyNumber(survey+id))
	second := roll.office()
	share := float64(score) / 10
	if survey == "csat" {
		share = float64(score) / 5
	}
	fields := map[string]any{"survey": survey, "score": score, "answered": at(d, second).Format(time.RFC3339)}
	if roll.chance(0.4) {
		fields["comment"] = comment(roll, share)
	}
	key := fmt.Sprintf("ans-%04d-%s-%s", t.a.n, survey, id)
	keys := cairn.Keys{Account: t.a.key, Person: p.key, Record: key}
	t.tell("survey", d, second, key, func() ingest.Record {
		return ingest.Record{Kind: cairn.OfAnswer, Name: "answered", Keys: keys, Props: fields}
	})
}

func comment(roll dice, share float64) string {
	switch {
	case share >= 0.85:
		return roll.pick(goodComments)
	case share >= 0.6:
		return roll.pick(plainComments)
	}
	return roll.pick(badComments)
}
