package signal

import (
	"testing"
	"time"

	"cairn"
)

func TestWithinAGapWhatTheSourceFeedsIsAsItWasWhenItWasHeard(t *testing.T) {
	heard := time.Date(2026, 3, 12, 9, 0, 0, 0, time.UTC)
	from, to := heard.Add(6*time.Hour), heard.AddDate(0, 0, 9)
	measure := func(at time.Time) cairn.Signals {
		days := float64(at.Sub(heard) / time.Hour)
		return cairn.Signals{
			Active7:     {Name: Active7, Known: true, Number: 100 - days},
			OpenTickets: {Name: OpenTickets, Known: true, Number: 200 - days},
			LicenceUse:  {Name: LicenceUse, Known: true, Number: 300 - days},
			RenewsIn:    {Name: RenewsIn, Known: true, Number: 400 - days},
		}
	}
	c := New(Settings{})
	silences := []Silence{{Source: "product", Heard: heard, From: from, To: to}, {Source: "crm", Heard: heard.Add(-time.Hour), From: heard.Add(-time.Minute)}}
	feeds := []Feed{{"product", cairn.Track, heard}, {"product", cairn.OfTicket, heard.Add(time.Second)}, {"crm", cairn.OfContract, heard.AddDate(0, -1, 0)}, {"else", cairn.Track, heard}}
	got := c.Through(Gaps(silences, feeds), measure)
	for _, w := range []struct {
		at     time.Time
		name   string
		number float64
		why    string
	}{
		{from.Add(-time.Second), Active7, 95, ""}, // not yet known to be silent
		{from, Active7, 100, "as of 09:00, product has been silent since"},
		{from.AddDate(0, 0, 1), Active7, 100, "as of 12 Mar, product has been silent since"},
		{from.AddDate(0, 0, 1), OpenTickets, 170, ""},                                            // fed by it after it was heard
		{from.AddDate(0, 0, 1), LicenceUse, 301, "as of 12 Mar, crm has been silent since"},      // of two, the one heard earlier
		{from.AddDate(0, 0, 1), RenewsIn, 370, "as of 12 Mar, crm has been silent since"},        // a date goes on
		{from.AddDate(1, 0, 0), LicenceUse, 301, "as of 12 Mar 2026, crm has been silent since"}, // it lasts
		{to, Active7, 100 - 9*24, ""},                                                            // it speaks again
		{heard.Add(-time.Hour), LicenceUse, 301, ""},
	} {
		s := got(w.at)[w.name]
		why := ""
		if s.Stale != nil {
			why = s.Stale.Why
		}
		if s.Number != w.number || why != w.why || !s.Known {
			t.Errorf("%s at %v: %v, %q; want %v, %q", w.name, w.at, s.Number, why, w.number, w.why)
		}
	}
	if Oldest(Gaps(silences, feeds)) != heard.Add(-time.Hour) {
		t.Error("the oldest moment")
	}
}

func TestWithoutGapsMeasuringIsWhatItWas(t *testing.T) {
	n := 0
	measure := func(time.Time) cairn.Signals { n++; return nil }
	New(Settings{}).Through(nil, measure)(time.Time{})
	if n != 1 {
		t.Errorf("measured %d times", n)
	}
}

func TestEverySignalButTheAccountsAgeIsFedBySomething(t *testing.T) {
	kinds := append([]cairn.EventKind{cairn.Track, cairn.Interaction}, cairn.RecordKinds...)
	for _, d := range Defs() {
		fed := false
		for _, k := range kinds {
			fed = fed || FedBy(d.Name, k)
		}
		if !fed && d.Name != Tenure {
			t.Errorf("nothing feeds %s", d.Name)
		}
	}
}
