package app

import (
	"context"
	"fmt"
	"strings"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ingest"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
)

// A ChurnAnswer is who left, month by month and together, group by group.
type ChurnAnswer struct {
	Policy    ledger.Policy             `json:"policy"`
	Currency  string                    `json:"currency"`
	Months    []ledger.AttritionFigures `json:"months"`
	Together  []ledger.AttritionFigures `json:"together"` // all months, for each value of the dimension
	Contracts int                       `json:"contracts"`
	Problems  []ledger.Problem          `json:"problems"`
}

// Churn tells who left, of all customers and of those who could.
var Churn = Op[revenue.Query, ChurnAnswer]{"churn", func(ctx context.Context, h House, q revenue.Query, say func(Progress)) (ChurnAnswer, error) {
	say(Progress{What: "Booking who left"})
	r, err := h.Revenue.Churn(ctx, cairn.Everything, q)
	out := ChurnAnswer{Policy: r.Policy, Currency: r.Currency, Contracts: r.Contracts, Problems: r.Problems, Months: []ledger.AttritionFigures{}, Together: []ledger.AttritionFigures{}}
	for _, g := range r.Groups {
		out.Months = append(out.Months, r.Months(g)...)
		out.Together = append(out.Together, r.Together(g))
	}
	return out, err
}}

// LossList tells who left and why.
var LossList = Op[outcome.LossQuery, outcome.LossFigures]{"losses", func(ctx context.Context, h House, q outcome.LossQuery, say func(Progress)) (outcome.LossFigures, error) {
	say(Progress{What: "Booking who left"})
	if r, ok, err := h.reason(ctx, q.Reason); err != nil || ok {
		if err != nil {
			return outcome.LossFigures{}, err
		}
		q.Reason = r.Key
	}
	r, err := h.Losses.Losses(ctx, cairn.Everything, q)
	return r.Figures(), err
}}

// reason returns the reason on the list that a text names.
func (h House) reason(ctx context.Context, text string) (outcome.Reason, bool, error) {
	rs, _, err := h.Losses.Reasons(ctx)
	r, ok := rs.Find(text)
	return r, ok, err
}

// A LossSaid is what somebody says of a loss.
type LossSaid struct {
	outcome.LossSaying
	Account string    `json:"account"` // id, key, domain or name
	On      cairn.Day `json:"on"`      // a day that belongs to it; 0: the latest
	As      string    `json:"as"`      // address of the user who says so; "": Cairn itself
	Verdict string    `json:"verdict"` // of an audit: confirm or reject
	Policy  string    `json:"policy"`  // under which it is booked; "": the workspace's
}

// LossSay writes down why a customer left.
var LossSay = Op[LossSaid, outcome.LossRow]{"loss-say", func(ctx context.Context, h House, s LossSaid, _ func(Progress)) (outcome.LossRow, error) {
	return h.tellLoss(ctx, s, func(r outcome.LossReport, l outcome.Leaver, by cairn.Actor) (outcome.LossPatch, error) {
		return l.Say(s.LossSaying, r.Reasons, r.Today, by)
	})
}}

// LossAudit confirms or rejects that a loss was unavoidable.
var LossAudit = Op[LossSaid, outcome.LossRow]{"loss-audit", func(ctx context.Context, h House, s LossSaid, _ func(Progress)) (outcome.LossRow, error) {
	return h.tellLoss(ctx, s, func(_ outcome.LossReport, l outcome.Leaver, by cairn.Actor) (outcome.LossPatch, error) {
		return l.Audit(s.Verdict, by)
	})
}}

// LossUndo takes back what was written down last.
var LossUndo = Op[LossSaid, outcome.LossRow]{"loss-undo", func(ctx context.Context, h House, s LossSaid, _ func(Progress)) (outcome.LossRow, error) {
	return h.tellLoss(ctx, s, func(_ outcome.LossReport, l outcome.Leaver, by cairn.Actor) (outcome.LossPatch, error) {
		p, ok := l.Undo(by)
		if !ok {
			return p, cairn.Errorf(cairn.NotFound, "Nobody wrote anything down about this loss that could be taken back.").At("account")
		}
		return p, nil
	})
}}

// tellLoss sends what is said of a loss in at the front door, and returns the
// loss as it stands then.
func (h House) tellLoss(ctx context.Context, s LossSaid, patch func(outcome.LossReport, outcome.Leaver, cairn.Actor) (outcome.LossPatch, error)) (outcome.LossRow, error) {
	var none outcome.LossRow
	by, err := h.member(ctx, s.As)
	if err != nil {
		return none, err
	}
	id, err := h.Accounts.Find(ctx, cairn.Everything, s.Account)
	if err != nil {
		return none, err
	}
	a, err := h.Accounts.Account(ctx, cairn.Everything, id)
	if err != nil {
		return none, err
	}
	q := outcome.LossQuery{Query: revenue.Query{Policy: s.Policy}}
	r, err := h.Losses.Of(ctx, id, q)
	if err != nil {
		return none, err
	}
	l, err := r.Loss(s.On)
	if err != nil {
		return none, err
	}
	p, err := patch(r, l, by)
	if err != nil {
		return none, err
	}
	rec := ingest.Record{
		Kind: cairn.OfLoss, Name: p.Verb, ID: fmt.Sprintf("%s/%s/%d", p.Key, p.Verb, l.Said.Version()), At: h.Now(),
		Keys: cairn.Keys{Account: a.Key, Record: p.Key}, In: a.Space, Props: p.Fields,
	}
	verdicts, err := h.Door.Admit(ctx, ingest.Source{Name: outcome.House}, []ingest.Record{rec})
	if err != nil {
		return none, err
	}
	if v := verdicts[0]; v.Status == ingest.Rejected {
		return none, cairn.Errorf(cairn.Invalid, "%s", v.Reason).At(v.Field)
	}
	if r, err = h.Losses.Of(ctx, id, q); err != nil {
		return none, err
	}
	if l, err = r.Loss(l.On); err != nil {
		return none, err
	}
	l.Name = a.Name
	return r.Row(l), nil
}

// member returns the user with an address, and Cairn itself without one.
func (h House) member(ctx context.Context, mail string) (cairn.Actor, error) {
	if mail == "" {
		return cairn.House, nil
	}
	users, err := h.Members.Users(ctx)
	if err != nil {
		return cairn.Actor{}, err
	}
	for _, u := range users {
		if strings.EqualFold(u.Mail, mail) {
			return u.Actor(), nil
		}
	}
	return cairn.Actor{}, cairn.Errorf(cairn.NotFound, "There is no user %s.", mail).At("as")
}

// A ReasonList is the list of reasons, with its revision.
type ReasonList struct {
	Reasons outcome.Reasons `json:"reasons"`
	Rev     int             `json:"rev"` // 0: the usual list
	Note    string          `json:"note,omitempty"`
}

// LossReasons tells the list.
var LossReasons = Op[None, ReasonList]{"loss-reasons", func(ctx context.Context, h House, _ None, _ func(Progress)) (ReasonList, error) {
	rs, rev, err := h.Losses.Reasons(ctx)
	return ReasonList{Reasons: rs, Rev: rev}, err
}}

// LossDefine writes the list down, on top of a revision.
var LossDefine = Op[ReasonList, int]{"loss-define", func(ctx context.Context, h House, l ReasonList, _ func(Progress)) (int, error) {
	var r book.Revision
	r, err := h.Losses.SetReasons(ctx, cairn.House, l.Reasons, l.Rev, l.Note)
	return r.Rev, err
}}
