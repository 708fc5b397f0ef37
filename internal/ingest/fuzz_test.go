package ingest

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"cairn"
)

// A mapping is refused with a sentence, or makes something of every row.
func FuzzMapping(f *testing.F) {
	f.Add("kind: events\nevent: {cel: '\"Used \" + row.a'}\naccount: b\nat: c\nprops: [d, \"*\"]\n", "a,b,c,d\nx,acme,2026-03-01,1\n")
	f.Add("kind: tickets\nzone: Europe/Paris\ndate: [dmy, iso]\ndecimal: \",\"\nrecord: a\naccount: b\nrecords:\n  - at: c\n    fields: {status: {const: open}}\n  - kind: answers\n    skip: {cel: 'row.d == \"\"'}\n    fields: {score: d}\n", "a;b;c;d\nt;acme;1.3.2026;1.234,5\n")
	f.Add("kind: events\nvia: {kind: contract, key: a}\nevent: {const: x}\nn: b\nempty: clear\n", "{\"a\":{\"b\":1}}\n")
	f.Add("&a [*a]", "a\n1\n")
	f.Add("{", "\xff\xfe")
	f.Fuzz(func(t *testing.T, mapping, file string) {
		m, err := ReadMapping(strings.NewReader(mapping))
		if err != nil {
			if cairn.KindOf(err) != cairn.Invalid {
				t.Fatalf("the mapping gives %v", err)
			}
			return
		}
		im := Importer{
			Kind: "events", Mapping: m, Now: now,
			Admit: func(_ context.Context, recs []Record) ([]Verdict, error) {
				d, _ := newDoor()
				return d.Admit(t.Context(), shop, recs)
			},
			Rejects: func(string) (io.WriteCloser, string, error) { return discard{io.Discard}, "rejects", nil },
			Made: func(_ int, recs []Record) {
				for _, r := range recs {
					_ = r.String()
				}
			},
		}
		if m.Kind != "" {
			im.Kind = ""
		}
		if _, err := im.Run(t.Context(), "f", strings.NewReader(file), nil); err != nil && cairn.KindOf(err) != cairn.Invalid {
			t.Fatalf("the import gives %v", err)
		}
	})
}

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

// Without a mapping every file of every kind is read, or refused.
func FuzzImport(f *testing.F) {
	f.Add("events", []byte("event,account,at\nx,acme,2026-03-01\n"))
	f.Add("contracts", []byte("{\"id\":\"c\",\"account\":\"acme\",\"mrr\":\"1e9\",\"currency\":\"EUR\",\"start\":1709528767}\n"))
	f.Add("answers", []byte("account,score\nacme,9\nacme,\n"))
	f.Add("people", []byte("\xef\xbb\xbfuser_id,email\nann,ann@example.com\n"))
	f.Fuzz(func(t *testing.T, kind string, file []byte) {
		d, _ := newDoor()
		im := Importer{Kind: kind, Now: now, Admit: func(_ context.Context, recs []Record) ([]Verdict, error) { return d.Admit(t.Context(), shop, recs) }}
		rep, err := im.Run(t.Context(), "f", bytes.NewReader(file), nil)
		if err != nil && cairn.KindOf(err) != cairn.Invalid {
			t.Fatalf("the import gives %v", err)
		}
		if err == nil && rep.Read != rep.Accepted+rep.Duplicate+rep.Rejected+rep.Skipped {
			t.Fatalf("rows are missing from %+v", rep)
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{"2024-03-04T05:06:07.123 +0200", "4 Mar 2024", "Mon, 04 Mar 2024 05:06:07 GMT", "1709528767250", "04.03.2024 5:06", "0000-00-00", "9999999999999999999", "-1", "2024-02-30"} {
		f.Add(s, "02/01/2006 15:04")
	}
	f.Add("1709528767", "epoch_ms")
	f.Add("3/4/24", "mdy")
	zone, err := time.LoadLocation("America/St_Johns")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, form string) {
		if at, err := ReadDate(text, zone); err == nil {
			again, err := ReadDate(at.UTC().Format(time.RFC3339Nano), zone)
			if y := at.UTC().Year(); y > 0 && y < 10000 && (err != nil || !again.Equal(at)) {
				t.Fatalf("%q is %v, which is read as %v, %v", text, at, again, err)
			}
		}
		read, err := forms{form}.compile()
		if err != nil {
			if cairn.KindOf(err) != cairn.Invalid {
				t.Fatalf("form %q: %v", form, err)
			}
			return
		}
		if d, ok := read(text, zone); ok {
			_ = d.String()
		}
	})
}
