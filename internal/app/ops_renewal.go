package app

import (
	"context"
	"fmt"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/outcome"
)

// Renewals tells which contracts come up in a quarter, what is forecast of them
// and how they ended.
var Renewals = Op[outcome.RenewalQuery, outcome.Figures]{"renewals", func(ctx context.Context, h House, q outcome.RenewalQuery, say func(Progress)) (outcome.Figures, error) {
	say(Progress{What: "Reading what was said of contracts"})
	b, err := h.Renewals.Renewals(ctx, cairn.Everything, q)
	return b.Figures(), err
}}

// RenewalGrades tells how forecasts of past quarters turned out, by what was
// known at a moment (zero: now).
var RenewalGrades = Op[time.Time, outcome.GradeFigures]{"renewal-grades", func(ctx context.Context, h House, at time.Time, say func(Progress)) (outcome.GradeFigures, error) {
	say(Progress{What: "Reading what was said of contracts"})
	g, err := h.Renewals.Grades(ctx, cairn.Everything, at)
	return g.Figures(), err
}}

// A RenewalWord is what somebody says of the renewal of a contract.
type RenewalWord struct {
	Contract string         `json:"contract"` // its key or id
	Due      cairn.Day      `json:"due"`      // 0: the one that is open, else the last
	Say      outcome.Saying `json:"say"`
}

// RenewalSay says something of a renewal, as an event that goes in at the front
// door. It tells how the renewal stands then.
var RenewalSay = Op[RenewalWord, outcome.RenewalFigures]{"renewal-say", func(ctx context.Context, h House, w RenewalWord, _ func(Progress)) (outcome.RenewalFigures, error) {
	r, b, err := h.Renewals.Find(ctx, cairn.Everything, w.Contract, w.Due)
	if err != nil {
		return outcome.RenewalFigures{}, err
	}
	p, err := r.Say(b.Currency, w.Say)
	if err != nil {
		return outcome.RenewalFigures{}, err
	}
	a, err := h.Accounts.Account(ctx, cairn.Everything, r.Account)
	if err != nil {
		return outcome.RenewalFigures{}, err
	}
	now := h.Now()
	p.Fields["by"] = cairn.House.ID
	vs, err := h.Door.Admit(ctx, houseSource, []ingest.Record{{
		Kind: cairn.OfRenewal, Name: "said", ID: fmt.Sprintf("%s-%d", p.Key, now.UnixMicro()), At: now, Stamp: now,
		Keys: cairn.Keys{Account: a.Key, Record: p.Key}, In: a.Space, Props: p.Fields,
	}})
	if err != nil {
		return outcome.RenewalFigures{}, err
	}
	if v := vs[0]; v.Status == ingest.Rejected {
		return outcome.RenewalFigures{}, cairn.Errorf(cairn.Invalid, "%s", v.Reason).At(v.Field)
	}
	r, b, err = h.Renewals.One(ctx, cairn.Everything, r.Record, r.Due)
	return b.Row(&r), err
}}
