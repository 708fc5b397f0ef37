package app

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"cairn"
	"cairn/internal/payment"
)

// paymentSettings are what matters to payments of what is in force.
func (a *App) paymentSettings() payment.Settings {
	set := a.Store.Settings()
	out := payment.Settings{Zone: set.Zone, Currency: set.Currency, Precedence: set.Precedence, Policy: set.Policy, Rates: set.Rates}
	mark, err := json.Marshal(out)
	if err != nil {
		mark = fmt.Append(nil, out)
	}
	out.Mark = string(mark) + "/" + set.Zone.String()
	return out
}

// A PaymentsAsked says what is asked of payments.
type PaymentsAsked struct {
	Kind payment.Kind `json:"kind"` // "": all
	At   time.Time    `json:"at"`   // as known then; zero: now
}

// Payments are what keeps customers from paying.
type Payments struct {
	At       time.Time     `json:"at"`
	Currency string        `json:"currency"` // of MRR
	Findings []PaymentTold `json:"findings"`
	Ages     []PaymentAge  `json:"late_by_age"`
}

// A PaymentTold is one thing that keeps an account from paying.
type PaymentTold struct {
	Kind    payment.Kind     `json:"kind"`
	Account string           `json:"account"`
	Name    string           `json:"name"`
	Owner   string           `json:"owner"`
	Of      cairn.EventKind  `json:"of"`
	Key     string           `json:"record"`
	Amount  *cairn.Money     `json:"amount"`
	On      string           `json:"on"`
	Days    int              `json:"days"`
	Times   int              `json:"attempts,omitempty"`
	Paid    bool             `json:"paid_since"`
	Why     string           `json:"why,omitempty"`
	Next    []payment.Charge `json:"next,omitempty"`
	MRR     int64            `json:"mrr"` // minor units
}

// A PaymentAge is what is late for a span of days.
type PaymentAge struct {
	From   int           `json:"from"`
	To     int           `json:"to,omitempty"`
	Count  int           `json:"invoices"`
	Amount cairn.Money   `json:"amount"`
	Apart  []cairn.Money `json:"apart,omitempty"` // in currencies without a rate
}

// PaymentsFind tells what keeps customers from paying.
var PaymentsFind = Op[PaymentsAsked, Payments]{"payments", func(ctx context.Context, h House, q PaymentsAsked, say func(Progress)) (Payments, error) {
	say(Progress{What: "Looking through invoices and contracts"})
	r, err := h.Payments.Report(ctx, cairn.Everything, q.At)
	if err != nil {
		return Payments{}, err
	}
	out := Payments{At: r.At, Currency: r.Currency, Findings: []PaymentTold{}}
	found, mrr := r.Findings(q.Kind), r.MRR()
	accounts, err := h.Payments.Named(ctx, cairn.Everything, found)
	for _, f := range found {
		a := accounts[f.Account]
		told := PaymentTold{
			Kind: f.Kind, Account: f.Account.String(), Name: a.Name, Owner: a.Owner, Of: f.Of, Key: f.Key, On: f.On.String(), Days: f.Days,
			Times: f.Times, Paid: f.Paid, Why: payment.StoppedWhy(f.Status), Next: f.Next, MRR: mrr[f.Account],
		}
		if f.Amount.Currency != "" {
			told.Amount = &f.Amount
		}
		out.Findings = append(out.Findings, told)
	}
	for _, a := range r.Ageing(r.Findings(payment.Late)) {
		out.Ages = append(out.Ages, PaymentAge{a.From, a.To, len(a.Findings), a.Sum.Money, a.Sum.Apart})
	}
	return out, err
}}
