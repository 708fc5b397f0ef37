package revenue

import (
	"context"
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
)

// Page is the book's page of what counts as revenue.
const Page = "revenue"

// Definitions are the policy in force, those of the workspace's own, and
// exchange rates.
type Definitions struct {
	Policy   string          `json:"policy"` // "": Cairn's
	Policies []ledger.Policy `json:"policies,omitempty"`
	Said     []SaidRate      `json:"rates,omitempty"`
	Rates    []ledger.Rate   `json:"-"` // the same, read
}

// A SaidRate is what one unit of a currency is worth in the workspace's from a
// day on, as somebody wrote it.
type SaidRate struct {
	Currency string `json:"currency"`
	Day      string `json:"day"`  // 2023-01-31
	Rate     string `json:"rate"` // decimal
}

// Definitions returns what is in force, and its revision; 0 when nobody has
// written anything.
func (s *Service) Definitions(ctx context.Context) (Definitions, int, error) {
	r, err := s.Book.Page(ctx, Page)
	if cairn.KindOf(err) == cairn.NotFound && err != nil {
		return Definitions{}, 0, nil
	}
	if err != nil {
		return Definitions{}, 0, err
	}
	d, err := ReadDefinitions(r.Body)
	return d, r.Rev, err
}

// ReadDefinitions reads the body of the book's page.
func ReadDefinitions(body json.RawMessage) (Definitions, error) {
	var d Definitions
	if err := json.Unmarshal(body, &d); err != nil {
		return d, err
	}
	return d, d.read()
}

func (s *Service) definitions(ctx context.Context) (Definitions, string, error) {
	d, rev, err := s.Definitions(ctx)
	return d, strconv.Itoa(rev), err
}

// Define writes down what counts, on top of a revision.
func (s *Service) Define(ctx context.Context, by cairn.Actor, d Definitions, base int, note string) (book.Revision, error) {
	if err := d.read(); err != nil {
		return book.Revision{}, err
	}
	for i, p := range d.Policies {
		if err := p.Check(); err != nil {
			return book.Revision{}, err
		}
		if _, err := ledger.Preset(p.Name); err == nil {
			return book.Revision{}, cairn.Errorf(cairn.Conflict, "The policy %s comes with Cairn; give yours another name.", p.Name).At("policies." + strconv.Itoa(i) + ".name")
		}
	}
	if _, err := d.policy(d.Policy); err != nil {
		return book.Revision{}, err
	}
	body, err := json.Marshal(d)
	if err != nil {
		return book.Revision{}, err
	}
	r, err := s.Book.Write(ctx, by, Page, base, body, note, s.Now())
	if err != nil || s.Changed == nil {
		return r, err
	}
	return r, s.Changed(ctx)
}

// InForce is the policy that the workspace goes by.
func (d Definitions) InForce() (ledger.Policy, error) { return d.policy(d.Policy) }

// policy returns one of the workspace's own, or a preset.
func (d Definitions) policy(name string) (ledger.Policy, error) {
	for _, p := range d.Policies {
		if p.Name == name {
			return p, nil
		}
	}
	return ledger.Preset(name)
}

// All returns every policy there is, presets first.
func (d Definitions) All() []ledger.Policy {
	return append(append([]ledger.Policy{}, ledger.Presets...), d.Policies...)
}

func (d *Definitions) read() error {
	d.Rates = nil
	for i, said := range d.Said {
		r, err := said.read()
		if err != nil {
			return err.At("rates." + strconv.Itoa(i) + "." + err.Field)
		}
		d.Rates = append(d.Rates, r)
	}
	return nil
}

func (s SaidRate) read() (ledger.Rate, *cairn.Error) {
	day, err := time.Parse(time.DateOnly, s.Day)
	if err != nil {
		return ledger.Rate{}, cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2023-01-31 is needed.", s.Day).At("day")
	}
	currency := strings.ToUpper(strings.TrimSpace(s.Currency))
	if len(currency) != 3 || strings.Trim(currency, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return ledger.Rate{}, cairn.Errorf(cairn.Invalid, "%q is not a currency: three letters such as EUR are needed.", s.Currency).At("currency")
	}
	v, ok := new(big.Rat).SetString(strings.TrimSpace(s.Rate))
	if !ok || len(s.Rate) > 24 || strings.ContainsAny(s.Rate, "/eEpPxX_") || v.Sign() <= 0 || !v.Num().IsInt64() || !v.Denom().IsInt64() {
		return ledger.Rate{}, cairn.Errorf(cairn.Invalid, "%q is not a rate: a decimal number over 0 such as 1.0842 is needed.", s.Rate).At("rate")
	}
	return ledger.Rate{Currency: currency, Day: cairn.Day(day.Unix() / 86400), Num: v.Num().Int64(), Den: v.Denom().Int64()}, nil
}
