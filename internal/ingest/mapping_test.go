package ingest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn"

	"github.com/google/go-cmp/cmp"
)

// mapped returns what the mapping makes of each row of a file, refusals as text.
func mapped(t *testing.T, im Importer, file, text string) (recs [][]Record, refused []string) {
	t.Helper()
	im.Made = func(_ int, r []Record) {
		for i := range r {
			r[i].Index = 0
		}
		recs = append(recs, append([]Record(nil), r...))
	}
	im.Refused = func(r Refusal) { refused = append(refused, r.String()) }
	im.Admit = acceptAll
	if _, err := im.Run(t.Context(), file, strings.NewReader(text), nil); err != nil {
		t.Fatal(err)
	}
	return recs, refused
}

func mapping(t testing.TB, text string) *Mapping {
	t.Helper()
	m, err := ReadMapping(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAFieldIsAColumnAConstantOrAnExpression(t *testing.T) {
	m := mapping(t, `
kind: events
zone: Europe/Paris
date: dmy
decimal: ","
id: key
at: when
event: {cel: '"Used " + row.what.upper()'}
account: {const: acme}
person: who
product: {const: Portal}
n: times
props:
  amount: amount
  code: {column: code, as: text}
  tags: {column: tags, split: "|"}
  due: {column: due, date: mdy}
  paid: {column: paid, as: bool}
  half: {cel: 'double(row.times) / 2.0'}
  nothing: {cel: 'null'}
`)
	recs, refused := mapped(t, Importer{Mapping: m}, "f.csv",
		"key;when;what;who;times;amount;code;tags;due;paid;other\nk1;04-07-2024 12:00;report;zoe;3;1204,50;42;a|b | ;12/25/2024;Y;x\n")
	at := time.Date(2024, 7, 4, 10, 0, 0, 0, time.UTC)
	want := [][]Record{{{
		Kind: cairn.Track, Name: "Used REPORT", ID: "k1", At: at, Stamp: at,
		Keys: cairn.Keys{Account: "acme", Person: "zoe"}, Product: "Portal", N: 3,
		Props: map[string]any{
			"amount": number("1204.50"), "code": "42", "tags": []any{"a", "b"}, "due": "2024-12-25", "paid": true, "half": 1.5,
		},
	}}}
	if d := cmp.Diff(want, recs); d != "" || refused != nil {
		t.Errorf("(-want +got)\n%s\nrefused %v", d, refused)
	}
}

func TestARowBecomesSeveralRecordsEachAtItsOwnTime(t *testing.T) {
	m := mapping(t, `
kind: tickets
account: account
record: id
records:
  - at: opened
    fields: {status: {const: open}, opened: opened, priority: priority}
  - at: closed
    skip: {cel: 'row.closed == ""'}
    fields: {status: {const: closed}, closed: closed}
  - kind: answers
    at: closed
    record: {cel: 'row.id + "-csat"'}
    skip: {cel: 'row.score == ""'}
    fields: {survey: {const: csat}, score: score}
`)
	recs, refused := mapped(t, Importer{Mapping: m}, "f.csv",
		"id,account,opened,closed,priority,score\n7,acme,2024-01-01,2024-01-03,high,4\n8,acme,2024-01-02,,low,\n")
	if refused != nil || len(recs) != 2 || len(recs[0]) != 3 || len(recs[1]) != 1 {
		t.Fatalf("got %v, refused %v", recs, refused)
	}
	type short struct {
		Kind   cairn.EventKind
		At     string
		Record string
		Props  map[string]any
	}
	var got []short
	ids := map[string]bool{}
	for _, r := range append(recs[0], recs[1]...) {
		got = append(got, short{r.Kind, r.At.Format(time.DateOnly), r.Keys.Record, r.Props})
		ids[r.ID] = true
	}
	want := []short{
		{cairn.OfTicket, "2024-01-01", "7", map[string]any{"status": "open", "opened": "2024-01-01", "priority": "high"}},
		{cairn.OfTicket, "2024-01-03", "7", map[string]any{"status": "closed", "closed": "2024-01-03"}},
		{cairn.OfAnswer, "2024-01-03", "7-csat", map[string]any{"survey": "csat", "score": number("4")}},
		{cairn.OfTicket, "2024-01-02", "8", map[string]any{"status": "open", "opened": "2024-01-02", "priority": "low"}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if len(ids) != 4 {
		t.Errorf("%d ids of 4 records", len(ids))
	}
}

func TestEmptyCellsAreLeftAloneUnlessTheyClear(t *testing.T) {
	for _, c := range []struct {
		name, mapping, file, text string
		want                      map[string]any
	}{
		{"left", "account: id\nfields: [name, plan]", "f.csv", "id,name,plan\na,,Pro\n", map[string]any{"plan": "Pro"}},
		{"cleared", "account: id\nempty: clear\nfields: [name, plan]", "f.csv", "id,name,plan\na,,Pro\n", map[string]any{"name": nil, "plan": "Pro"}},
		{"one cleared", "account: id\nfields: {name: {column: name, empty: clear}, plan: plan}", "f.csv", "id,name,plan\na,,\n", map[string]any{"name": nil}},
		{"one left", "account: id\nempty: clear\nfields: {name: {column: name, empty: leave}, plan: plan}", "f.csv", "id,name,plan\na,,\n", map[string]any{"plan": nil}},
		{"a null clears", "account: id\nfields: [name, plan]", "f.ndjson", `{"id":"a","name":null}` + "\n" + `{"id":"a","plan":1}`, map[string]any{"name": nil}},
	} {
		t.Run(c.name, func(t *testing.T) {
			recs, refused := mapped(t, Importer{Kind: "accounts", Mapping: mapping(t, c.mapping)}, c.file, c.text)
			if refused != nil || len(recs) == 0 {
				t.Fatalf("got %v, refused %v", recs, refused)
			}
			if d := cmp.Diff(c.want, recs[0][0].Props); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestAStarTakesTheColumnsThatNothingElseUses(t *testing.T) {
	m := mapping(t, "at: at\nevent: {const: Seen}\naccount: company.id\nprops: {\"*\": \"*\", extra: {const: yes}, plan: company.plan}")
	recs, refused := mapped(t, Importer{Kind: "events", Mapping: m}, "f.jsonl",
		`{"at":1709528767,"company":{"id":12,"plan":"Pro","seats":3},"properties":{"x":1,"y":{"z":true}},"tags":["a"],"extra":"no"}`)
	if refused != nil || len(recs) != 1 {
		t.Fatalf("got %v, refused %v", recs, refused)
	}
	want := map[string]any{
		"company": map[string]any{"id": number("12"), "plan": "Pro", "seats": number("3")},
		"plan":    "Pro", "extra": "yes", "x": number("1"), "y": map[string]any{"z": true}, "tags": []any{"a"},
	}
	if d := cmp.Diff(want, recs[0][0].Props); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if recs[0][0].Keys.Account != "12" {
		t.Errorf("account %q", recs[0][0].Keys.Account)
	}
}

func TestAMappingThatCannotBeUsedSaysWhere(t *testing.T) {
	const columns = "id,when,who\n1,2024-01-01,zoe\n"
	for _, c := range []struct{ name, mapping, want string }{
		{"no YAML", "a: [", "1"},
		{"an unknown word", "evnt: id", `unknown field "evnt"`},
		{"an unknown word inside", "event: {colum: id}", `unknown field "colum"`},
		{"an unknown column", "event: what\nat: when", `event: The file has no column "what". It has: id, when, who.`},
		{"an unknown column of a property", "event: {const: x}\nat: when\nprops: [id, plan]", `props.plan: The file has no column "plan"`},
		{"an unknown column in an expression", "event: {cel: 'row.what'}\nat: when", `event: The file has no column "what". It has: id, when, who.`},
		{"an unknown column in a record", "records:\n- event: {const: x}\n  at: when\n- event: {const: y}\n  at: then", `records.1.at: The file has no column "then"`},
		{"an expression that is none", "event: {cel: 'row.'}\nat: when", "event: The expression has an error at line 1, column 5"},
		{"two values in one", "event: {column: id, const: x}\nat: when", "event: A value is one of"},
		{"no value", "event: {as: text}\nat: when", "event: A value is one of"},
		{"an unknown zone", "zone: Mars/Olympus\nevent: {const: x}\nat: when", "zone:"},
		{"an unknown form of dates", "date: german\nevent: {const: x}\nat: when", "date:"},
		{"an unknown type", "event: {const: x}\nat: {column: when, as: time}", "at.as:"},
		{"an unknown kind", "kind: cats\nevent: {const: x}\nat: when", "kind:"},
		{"via without a key", "event: {const: x}\nat: when\nvia: {kind: ticket}", "via:"},
		{"via something that has no account", "event: {const: x}\nat: when\nvia: {kind: events, key: id}", "via:"},
		{"props and fields", "event: {const: x}\nat: when\nprops: [id]\nfields: [id]", "fields:"},
		{"events without a name", "at: when", "event: Nothing says what the events are called"},
		{"events without a time", "event: {const: x}", "at: Nothing says when"},
		{"tickets without an id", "kind: tickets\nat: when", "record: Nothing says which ticket"},
		{"an unknown way to be empty", "empty: zero\nevent: {const: x}\nat: when", "empty:"},
		{"an unknown decimal sign", "decimal: \"'\"\nevent: {const: x}\nat: when", "decimal:"},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := ReadMapping(strings.NewReader(c.mapping))
			if err == nil {
				im := Importer{Kind: "events", Mapping: m, Admit: acceptAll}
				if m.Kind != "" {
					im.Kind = m.Kind
				}
				_, err = im.Run(t.Context(), "f.csv", strings.NewReader(columns), nil)
			}
			e, ok := err.(*cairn.Error)
			if !ok || e.Kind != cairn.Invalid || !strings.Contains(e.Field+": "+e.Text, c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAMappingForOneKindIsNotUsedForAnother(t *testing.T) {
	im := Importer{Kind: "accounts", Mapping: mapping(t, "kind: event\nat: at\nevent: what"), Admit: acceptAll}
	if _, err := im.Run(t.Context(), "f.csv", strings.NewReader("at,what\n"), nil); !strings.Contains(cairn.TextOf(err), "for event and not for accounts") {
		t.Errorf("got %v", err)
	}
	im.Kind = "events"
	if _, err := im.Run(t.Context(), "f.csv", strings.NewReader("at,what\n"), nil); err != nil {
		t.Error(err)
	}
}

func TestAValueThatCannotBeReadNamesRowAndColumn(t *testing.T) {
	m := mapping(t, `
kind: events
event: what
at: when
person: who
n: times
props:
  amount: {column: amount, as: number}
  ok: {column: ok, as: bool}
  ratio: {cel: 'row.amount == "" ? 0.0 : 1.0 / double(row.amount)'}
`)
	_, refused := mapped(t, Importer{Mapping: m}, "f.csv", strings.Join([]string{
		"what,when,who,times,amount,ok",
		"a,2024-01-01,zoe,1,1,yes",
		"a,01/02/2024,zoe,1,1,yes",
		"a,yesterday,zoe,1,1,yes",
		"a,,zoe,1,1,yes",
		"a,2024-01-01,zoe,-1,1,yes",
		"a,2024-01-01,zoe,1.5,1,yes",
		"a,2024-01-01,zoe,1,\"1,5\",yes",
		"a,2024-01-01,zoe,1,1,perhaps",
		"a,2024-01-01,zoe,1,0,yes",
	}, "\n"))
	want := []string{
		`row 3, column when: "01/02/2024" could be day first or month first. Say which in a mapping: date: dmy, or date: mdy.`,
		`row 4, column when: "yesterday" is not a date in a form that is read here.`,
		`row 5, column when: The time is empty.`,
		`row 6, column times: "-1" is not a whole number of 0 or more.`,
		`row 7, column times: "1.5" is not a whole number of 0 or more.`,
		`row 8, column amount: "1,5" is not a number.`,
		`row 9, column ok: This is neither true nor false.`,
		`row 10, column props.ratio: The expression gives no finite number.`,
	}
	if d := cmp.Diff(want, refused); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestColumnsAreRecognisedByTheirNames(t *testing.T) {
	at := time.Date(2024, 3, 4, 0, 0, 0, 0, time.UTC)
	later := at.AddDate(0, 0, 3)
	for _, c := range []struct {
		kind, text string
		want       []Record
	}{
		{"events", "messageId,timestamp,userId,Group ID,event,count,colour\nm1,2024-03-04,zoe,acme,Clicked,2,red", []Record{{
			Kind: cairn.Track, Name: "Clicked", ID: "m1", At: at, Stamp: at, N: 2,
			Keys: cairn.Keys{Account: "acme", Person: "zoe"}, Props: map[string]any{"colour": "red"},
		}}},
		{"accounts", "id,Account Name,plan,MRR Band,Updated At\nacme,Acme,007,12,2024-03-04", []Record{{
			Kind: cairn.OfAccount, At: at, Stamp: at, N: 1, Keys: cairn.Keys{Account: "acme"},
			Props: map[string]any{"name": "Acme", "plan": "007", "MRR Band": number("12")},
		}}},
		{"people", "email,name,company_id,opted_out\nzoe@acme.example,Zoë,acme,no", []Record{{
			Kind: cairn.OfPerson, Stamp: undated, N: 1, Keys: cairn.Keys{Account: "acme", Person: "zoe@acme.example"},
			Props: map[string]any{"email": "zoe@acme.example", "name": "Zoë", "opted_out": "no"},
		}}},
		{"contracts", "subscription_id,customer_id,product,mrr,currency,start_date,canceled_at,status\ns1,acme,Portal,99.50,EUR,2024-03-04,2024-03-07,expired", []Record{
			{Kind: cairn.OfContract, At: at, Stamp: at, N: 1, Product: "Portal", Keys: cairn.Keys{Account: "acme", Record: "s1"},
				Props: map[string]any{"product": "Portal", "mrr": number("99.50"), "currency": "EUR", "start": "2024-03-04", "status": "active"}},
			{Kind: cairn.OfContract, At: later, Stamp: later, N: 1, Product: "Portal", Keys: cairn.Keys{Account: "acme", Record: "s1"},
				Props: map[string]any{"cancelled_at": "2024-03-07", "status": "expired"}},
		}},
		{"contracts", "contract,account,mrr,start\nc2,acme,5,2030-01-01", []Record{{
			Kind: cairn.OfContract, Stamp: undated, N: 1, Keys: cairn.Keys{Account: "acme", Record: "c2"},
			Props: map[string]any{"mrr": number("5"), "start": "2030-01-01"},
		}}},
		{"invoices", "number,account,amount,issued,due,paid_at\n17,acme,10,2024-03-04,2024-04-04,", []Record{{
			Kind: cairn.OfInvoice, At: at, Stamp: at, N: 1, Keys: cairn.Keys{Account: "acme", Record: "17"},
			Props: map[string]any{"amount": number("10"), "issued": "2024-03-04", "due": "2024-04-04", "status": "open"},
		}}},
		{"tickets", "ticket_id,account_id,created_at,solved_at,state,subject\n7,acme,2024-03-04,2024-03-07,solved,Help", []Record{
			{Kind: cairn.OfTicket, At: at, Stamp: at, N: 1, Keys: cairn.Keys{Account: "acme", Record: "7"},
				Props: map[string]any{"opened": "2024-03-04", "status": "open", "subject": "Help"}},
			{Kind: cairn.OfTicket, At: later, Stamp: later, N: 1, Keys: cairn.Keys{Account: "acme", Record: "7"},
				Props: map[string]any{"closed": "2024-03-07", "status": "solved"}},
		}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			recs, refused := mapped(t, Importer{Kind: c.kind, Now: later}, "f.csv", c.text)
			if refused != nil || len(recs) != 1 {
				t.Fatalf("got %v, refused %v", recs, refused)
			}
			for i := range recs[0] {
				if len(recs[0][i].ID) == 32 {
					recs[0][i].ID = ""
				}
			}
			if d := cmp.Diff(c.want, recs[0]); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestAnAnswerWithoutAnIdIsKnownByItsRow(t *testing.T) {
	recs, refused := mapped(t, Importer{Kind: "answers"}, "f.csv", "account,date,survey,score\nacme,2024-03-04,nps,9\nacme,2024-03-04,nps,9\n")
	if refused != nil || len(recs) != 2 {
		t.Fatalf("got %v, refused %v", recs, refused)
	}
	a, b := recs[0][0], recs[1][0]
	if a.Keys.Record == "" || a.Keys.Record == b.Keys.Record || a.ID == b.ID {
		t.Errorf("two answers are %q and %q", a.Keys.Record, b.Keys.Record)
	}
}

func TestTheShippedMappingsCanBeRead(t *testing.T) {
	files, err := filepath.Glob("../../mappings/*.yaml")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d mappings, %v", len(files), err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if m := mapping(t, string(b)); m.Kind == "" {
			t.Errorf("%s does not say its kind", file)
		}
	}
}
