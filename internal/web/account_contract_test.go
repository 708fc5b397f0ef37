package web

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cairn"
)

func TestTermsOfAContractAreSentences(t *testing.T) {
	v := View{numbers: numbersOf("en"), Currency: "EUR", Zone: time.UTC, Now: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	for _, tt := range []struct {
		name   string
		fields string
		want   string
	}{
		{"by the month", `{"mrr":"100"}`, "100 € a month"},
		{"by the month, paid by the year", `{"mrr":"100","billing":"annual"}`, "100 € a month, paid every year"},
		{"by the year with tax", `{"amount":"1190","interval":"annual","tax":"190"}`, "1,190 € a year, of which 190 € are tax"},
		{"for three months", `{"amount":"90","interval":"quarterly"}`, "90 € for 3 months"},
		{"a seat", `{"unit_amount":"12.50","seats":10,"interval":"month"}`, "12.50 € a seat, a month"},
		{"another currency", `{"mrr":"100","currency":"USD"}`, "$100 a month"},
		{"metered", `{"mrr":"33","usage":true}`, "33 € a month · metered"},
		{"a sale", `{"amount":"500","type":"one_off"}`, "500 € · a sale, which has no MRR"},
		{"bound, with notice", `{"mrr":"100","term":"1 year","renews":"2027-01-10","auto_renew":true,"notice_days":60}`,
			"100 € a month · bound for 1 year · renews by itself on 10 Jan 2027 · notice by 11 Nov (60 days)"},
		{"ends unless renewed", `{"mrr":"100","renews":"2027-01-10","auto_renew":false}`, "100 € a month · ends on 10 Jan 2027 unless it is renewed"},
		{"notice was given", `{"mrr":"100","end":"2026-08-01","cancelled_at":"2026-05-01","notice_days":30}`, "100 € a month · ends on 1 Aug · notice was given on 1 May"},
		{"discount", `{"mrr":"100","discount_percent":"12.5","discount_duration":"repeating","discount_months":3}`, "100 € a month · 12.5 % off for 3 months"},
		{"discount between dates", `{"mrr":"100","discount_amount":"20","discount_from":"2026-05-01","discount_until":"2027-05-01"}`, "100 € a month · 20 € off from 1 May until 1 May 2027"},
		{"their paper, from month to month", `{"mrr":"100","month_to_month":true,"paper":"customer","price_lock":"2028-01-01"}`, "100 € a month · from month to month · on the customer’s paper · price fixed until 1 Jan 2028"},
		{"nothing", `{}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := accountContract{Record: cairn.Record{Kind: cairn.OfContract, Fields: map[string]cairn.Said{}}}
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(tt.fields), &fields); err != nil {
				t.Fatal(err)
			}
			for name, value := range fields {
				c.Fields[name] = cairn.Said{Value: value}
			}
			if got := strings.ReplaceAll(strings.Join(c.terms(v), " · "), "\u00a0", " "); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}
