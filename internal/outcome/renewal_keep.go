package outcome

import (
	"context"
	"encoding/json"
	"time"

	"cairn"
	"cairn/internal/forecast"
)

// A Snapshot is what was forecast of a quarter before its first day. What the
// model says of a past moment could be worked out again at any time, and is,
// for quarters that nobody wrote down. But a forecast that changes when the
// program does is none, so each is also written into the book once, at the
// beginning of its quarter, and graded as it was written. Amounts are a month,
// in minor units.
type Snapshot struct {
	Quarter  Quarter           `json:"quarter"`
	At       time.Time         `json:"at"`   // by what was known then
	Made     time.Time         `json:"made"` // when it was written down; zero: it was not, and was worked out now
	Currency string            `json:"currency"`
	Policy   string            `json:"policy"`
	Held     float64           `json:"held"`  // share that those who renew go on paying
	Plain    forecast.Estimate `json:"plain"` // of any contract
	Outlook  forecast.Outlook  `json:"outlook"`
	Human    int64             `json:"human"` // as Outlook.Expected, with what people expected in place of the model
	Rows     []Forecast        `json:"rows"`
}

// A Forecast is what was forecast of one renewal.
type Forecast struct {
	Contract cairn.RecordID `json:"contract"`
	Due      string         `json:"due"`
	Original int64          `json:"original"`
	Chance   *float64       `json:"probability"` // of the model; null: it said nothing
	Human    *float64       `json:"human"`       // of people; null: they said nothing
}

// SnapshotPages is how the names of pages with snapshots begin.
const SnapshotPages = "renewals/"

// snapshot works out what is forecast of a quarter as of a day, out of the
// history's renewals that were open then.
func (h *history) snapshot(q Quarter, day cairn.Day) Snapshot {
	at := day.End(h.Reader.Zone).Add(-time.Microsecond)
	m := h.model
	if day != h.Today {
		m = h.modelAt(day)
	}
	s := Snapshot{Quarter: q, At: at.UTC(), Currency: h.Currency, Policy: h.Policy.Name, Held: m.Held(), Plain: m.Plain(), Rows: []Forecast{}}
	var stakes []forecast.Stake
	for i := range h.all {
		e := &h.all[i]
		if QuarterOf(e.Due) != q || !e.openAt(day) {
			continue
		}
		said := Renewal{Renewal: e.Renewal, Human: h.human(e, at)}
		if said.Human.Outcome != "" {
			continue // it had ended already
		}
		said.Estimate = h.estimate(m, e, day, e.Original)
		stakes = append(stakes, forecast.Stake{Amount: e.Original, Estimate: said.Estimate})
		f := Forecast{Contract: e.Record, Due: e.Due.String(), Original: e.Original}
		if said.Estimate.Known {
			f.Chance = &said.Estimate.Chance
		}
		if p, ok := said.HumanChance(); ok {
			f.Human = &p
			expects, _ := said.HumanExpects()
			s.Human += expects
		} else if said.Estimate.Known {
			s.Human += share(e.Original, s.Held*said.Estimate.Chance)
		}
		s.Rows = append(s.Rows, f)
	}
	s.Outlook = forecast.Sum(0, s.Held, stakes)
	return s
}

// known returns what was forecast of a quarter by what was known before its
// first day.
func (s *Renewals) known(ctx context.Context, q Quarter, zone *time.Location) (Snapshot, error) {
	h, err := s.read(ctx, q.First().Start(zone).Add(-time.Microsecond))
	if err != nil {
		return Snapshot{}, err
	}
	return h.snapshot(q, h.Today), nil
}

// A Keeper is the stage that writes down, once the first day of a quarter has
// come, what was forecast of it.
type Keeper struct {
	Renewals *Renewals
	Leads    func() bool // of several nodes one writes
	Zone     func() *time.Location

	done Quarter // written down, or there was nothing to write
}

// KeeperName is what the stage is called where stages are listed.
const KeeperName = "forecasts"

// Beat writes down the forecast of the quarter that is going on, unless that
// was done.
func (k *Keeper) Beat(ctx context.Context, now time.Time) (bool, error) {
	zone := k.zone()
	q := QuarterOf(cairn.DayOf(now, zone))
	if q == k.done || !k.Leads() {
		return false, nil
	}
	s := k.Renewals
	_, err := s.Book.Page(ctx, SnapshotPages+q.String())
	if err == nil || cairn.KindOf(err) != cairn.NotFound {
		if err == nil {
			k.done = q
		}
		return false, err
	}
	snap, err := s.known(ctx, q, zone)
	if err != nil {
		return false, err
	}
	if len(snap.Rows) == 0 {
		k.done = q
		return false, nil
	}
	snap.Made = now.UTC()
	body, err := json.Marshal(snap)
	if err != nil {
		return false, err
	}
	_, err = s.Book.Write(ctx, cairn.House, SnapshotPages+q.String(), 0, body, "What is forecast of the quarter that begins.", now)
	if cairn.KindOf(err) == cairn.Conflict && err != nil {
		err = nil // another node did
	}
	if err == nil {
		k.done = q
	}
	return err == nil, err
}

// Next is the first moment of the next quarter.
func (k *Keeper) Next(context.Context) (time.Time, error) {
	if k.done == 0 {
		return time.Time{}, nil
	}
	return (k.done + 1).First().Start(k.zone()), nil
}

func (k *Keeper) zone() *time.Location {
	if z := k.Zone(); z != nil {
		return z
	}
	return time.UTC
}
