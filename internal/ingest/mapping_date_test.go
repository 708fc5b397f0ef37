package ingest

import (
	"testing"
	"time"

	"cairn"

	"pgregory.net/rapid"
)

func TestDatesAreReadInTheFormThatIsNamed(t *testing.T) {
	paris, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		form  forms
		text  string
		want  string // RFC 3339, or a day
		wrong bool
	}{
		{name: "RFC 3339", text: "2024-03-04T05:06:07Z", want: "2024-03-04T05:06:07Z"},
		{name: "RFC 3339 with an offset", text: "2024-03-04T05:06:07.25+02:00", want: "2024-03-04T03:06:07.25Z"},
		{name: "a day", text: "2024-03-04", want: "2024-03-04"},
		{name: "a day with slashes", text: "2024/3/4", want: "2024-03-04"},
		{name: "a day without separators", text: "20240304", want: "2024-03-04"},
		{name: "date and time in the zone, winter", text: "2024-01-04 12:00:00", want: "2024-01-04T11:00:00Z"},
		{name: "date and time in the zone, summer", text: "2024-07-04 12:00", want: "2024-07-04T10:00:00Z"},
		{name: "T and no zone", text: "2024-07-04T12:00:00.5", want: "2024-07-04T10:00:00.5Z"},
		{name: "a comma before the fraction", text: "2024-07-04 12:00:00,500", want: "2024-07-04T10:00:00.5Z"},
		{name: "UTC in words", text: "2024-07-04 12:00:00 UTC", want: "2024-07-04T12:00:00Z"},
		{name: "offset after a space", text: "2024-07-04 12:00:00 +0530", want: "2024-07-04T06:30:00Z"},
		{name: "offset without minutes' colon", text: "2024-07-04 12:00:00-0800", want: "2024-07-04T20:00:00Z"},
		{name: "the clock of twelve hours", text: "2024-07-04 1:05 PM", want: "2024-07-04T11:05:00Z"},
		{name: "seconds", text: "1709528767", want: "2024-03-04T05:06:07Z"},
		{name: "seconds with a fraction", text: "1709528767.5", want: "2024-03-04T05:06:07.5Z"},
		{name: "milliseconds", text: "1709528767250", want: "2024-03-04T05:06:07.25Z"},
		{name: "microseconds", text: "1709528767250001", want: "2024-03-04T05:06:07.250001Z"},
		{name: "nanoseconds", text: "1709528767250001002", want: "2024-03-04T05:06:07.250001002Z"},
		{name: "month in words", text: "4 Mar 2024", want: "2024-03-04"},
		{name: "month in words, first", text: "March 4, 2024 06:06", want: "2024-03-04T05:06:00Z"},
		{name: "as mail writes it", text: "Mon, 04 Mar 2024 05:06:07 GMT", want: "2024-03-04T05:06:07Z"},
		{name: "with dashes and a name", text: "04-Mar-2024", want: "2024-03-04"},
		{name: "day or month first", text: "03/04/2024", wrong: true},
		{name: "day first beyond doubt is still not said", text: "25-12-2024", wrong: true},
		{name: "dots", text: "25.12.2024", wrong: true},
		{name: "two digits of a year", text: "24-03-04", wrong: true},
		{name: "no such day", text: "2023-02-29", wrong: true},
		{name: "no such month", text: "2023-13-01", wrong: true},
		{name: "a zone by letters", text: "2024-07-04 12:00:00 CEST", wrong: true},
		{name: "a count", text: "42", wrong: true},
		{name: "words", text: "soon", wrong: true},

		{name: "dmy", form: forms{"dmy"}, text: "25-12-2024", want: "2024-12-25"},
		{name: "dmy with slashes and time", form: forms{"dmy"}, text: "4/3/2024 06:06:07", want: "2024-03-04T05:06:07Z"},
		{name: "dmy is not mdy", form: forms{"dmy"}, text: "12/25/2024", wrong: true},
		{name: "mdy", form: forms{"mdy"}, text: "12/25/2024", want: "2024-12-25"},
		{name: "mdy of twelve hours", form: forms{"mdy"}, text: "03/04/2024 6:06 AM", want: "2024-03-04T05:06:00Z"},
		{name: "one form is not another", form: forms{"dmy"}, text: "2024-12-25", wrong: true},
		{name: "several forms", form: forms{"dmy", "iso"}, text: "2024-12-25", want: "2024-12-25"},
		{name: "a layout", form: forms{"02-01-2006"}, text: "25-12-2024", want: "2024-12-25"},
		{name: "a layout with a time behind it", form: forms{"02-01-2006"}, text: "28-07-2023 03:00", want: "2023-07-28T01:00:00Z"},
		{name: "a layout with its time", form: forms{"02.01.06 15:04"}, text: "28.07.23 03:00", want: "2023-07-28T01:00:00Z"},
		{name: "seconds said", form: forms{"epoch_s"}, text: "86400", want: "1970-01-02T00:00:00Z"},
		{name: "milliseconds said", form: forms{"epoch_ms"}, text: "86400000", want: "1970-01-02T00:00:00Z"},
		{name: "seconds are no words", form: forms{"epoch_s"}, text: "1e9", wrong: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			read, err := c.form.compile()
			if err != nil {
				t.Fatal(err)
			}
			d, ok := read(c.text, paris)
			if ok == c.wrong || ok && d.String() != c.want {
				t.Errorf("%q is %v, %v; want %q", c.text, d, ok, c.want)
			}
		})
	}
}

func TestWhatIsNoFormOfDatesIsRefused(t *testing.T) {
	for _, form := range []string{"german", "2006", "15:04", "dd-mm-yyyy"} {
		if _, err := (forms{form}).compile(); cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("%q: %v", form, err)
		}
	}
}

func TestEveryMomentIsReadBackAsItWasWritten(t *testing.T) {
	read, err := unmistakable.compile()
	if err != nil {
		t.Fatal(err)
	}
	layouts := []string{time.RFC3339, "2006-01-02 15:04:05Z07:00", "20060102 15:04:05 -0700", "2 January 2006 15:04:05 -0700", "Jan 2, 2006 15:04:05 -0700", time.RFC1123Z}
	rapid.Check(t, func(t *rapid.T) {
		zone := time.FixedZone("", 900*rapid.IntRange(-48, 56).Draw(t, "quarters"))
		want := time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "s"), 0).In(zone)
		text := want.Format(rapid.SampledFrom(layouts).Draw(t, "layout"))
		got, ok := read(text, time.UTC)
		if !ok || !got.t.Equal(want) {
			t.Fatalf("%q is %v, want %v", text, got.t, want)
		}
	})
}
