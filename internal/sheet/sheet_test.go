package sheet

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

func share(f float64) *float64 { return &f }

// sample has a cell of every kind, and names that would do harm.
func sample() Table {
	rows := [][]Cell{
		{Text("=1+1"), Count(3), Number(share(1.5)), Money(cairn.Money{Minor: -123456, Currency: "EUR"}), Share(share(0.125)), Date(19723), Time(time.Unix(0, 0))},
		{Text("Beta <b> & \"sons\""), Count(0), Number(nil), Money(cairn.Money{Minor: 5, Currency: "JPY"}), Share(nil), Date(0), {}},
		{Text("  two\nlines \x00"), {}, Number(share(math.NaN())), Money(cairn.Money{Minor: 1, Currency: "KWD"}), Share(share(math.Inf(1)))},
	}
	return Table{
		Name: "What [they] pay", Same: []Fact{{"policy", Text("cairn")}, {"currency", Text("@EUR")}},
		Columns: []Column{{Key: "account_name"}, {Key: "n"}, {Key: "x"}, {Key: "mrr", Title: "MRR"}, {Key: "share"}, {Key: "day"}, {Key: "at"}},
		Rows:    Of(rows, func(r []Cell) []Cell { return r }),
	}
}

func TestCSVHoldsTypedValuesAndNoFormulas(t *testing.T) {
	var b bytes.Buffer
	if err := CSV(&b, sample()); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"policy", "currency", "account_name", "n", "x", "mrr", "share", "day", "at"},
		{"cairn", "'@EUR", "'=1+1", "3", "1.5", "-1234.56", "0.125", "2024-01-01", "1970-01-01T00:00:00Z"},
		{"cairn", "'@EUR", "Beta <b> & \"sons\"", "0", "", "5", "", "", ""},
		{"cairn", "'@EUR", "  two\nlines \x00", "", "", "0.001", "", "", ""},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// A readSheet is a sheet as it is read back.
type readSheet struct {
	Pane struct {
		Frozen string `xml:"state,attr"`
		From   string `xml:"topLeftCell,attr"`
	} `xml:"sheetViews>sheetView>pane"`
	Cols []struct {
		Width float64 `xml:"width,attr"`
	} `xml:"cols>col"`
	Rows []struct {
		N     int `xml:"r,attr"`
		Cells []struct {
			At    string  `xml:"r,attr"`
			Type  string  `xml:"t,attr"`
			Style int     `xml:"s,attr"`
			Value string  `xml:"v"`
			Text  *string `xml:"is>t"`
			F     *string `xml:"f"`
		} `xml:"c"`
	} `xml:"sheetData>row"`
	Filter struct {
		Ref string `xml:"ref,attr"`
	} `xml:"autoFilter"`
}

// read opens a workbook, checks that every part is sound, and returns its
// sheets by name.
func read(t *testing.T, b []byte) map[string]readSheet {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if parts[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(bytes.NewReader(parts[f.Name])); ; {
			if _, err := d.Token(); err == io.EOF {
				break
			} else if err != nil {
				t.Fatalf("%s is not XML: %v\n%s", f.Name, err, parts[f.Name])
			}
		}
	}
	var types struct {
		Parts []struct {
			Name string `xml:"PartName,attr"`
		} `xml:"Override"`
	}
	var book struct {
		Sheets []struct {
			Name string `xml:"name,attr"`
			Link string `xml:"id,attr"`
		} `xml:"sheets>sheet"`
	}
	var links struct {
		To []struct {
			ID     string `xml:"Id,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	unmarshal(t, parts["[Content_Types].xml"], &types)
	unmarshal(t, parts["xl/workbook.xml"], &book)
	unmarshal(t, parts["xl/_rels/workbook.xml.rels"], &links)
	for _, p := range types.Parts {
		if parts[strings.TrimPrefix(p.Name, "/")] == nil {
			t.Errorf("there is no %s", p.Name)
		}
	}
	target := map[string]string{}
	for _, l := range links.To {
		target[l.ID] = l.Target
	}
	out := map[string]readSheet{}
	for _, s := range book.Sheets {
		var got readSheet
		unmarshal(t, parts["xl/"+target[s.Link]], &got)
		out[s.Name] = got
	}
	return out
}

func unmarshal(t *testing.T, b []byte, into any) {
	t.Helper()
	if err := xml.Unmarshal(b, into); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
}

func TestAWorkbookIsReadBackAsItWasWritten(t *testing.T) {
	var b bytes.Buffer
	second := sample()
	second.Name = "WHAT  they  PAY"
	if err := XLSX(&b, sample(), second); err != nil {
		t.Fatal(err)
	}
	sheets := read(t, b.Bytes())
	for _, name := range []string{"What  they  pay", "WHAT  they  PAY 2", "About"} {
		if _, ok := sheets[name]; !ok {
			t.Errorf("there is no sheet %q: %v", name, len(sheets))
		}
	}
	s := sheets["What  they  pay"]
	if s.Pane.Frozen != "frozen" || s.Pane.From != "A2" || s.Filter.Ref != "A1:G4" || len(s.Cols) != 7 {
		t.Errorf("pane %+v, filter %v, %d columns", s.Pane, s.Filter, len(s.Cols))
	}
	if s.Cols[0].Width < 15 {
		t.Errorf("the column of names is %v wide", s.Cols[0].Width)
	}
	var got [][]string
	for _, r := range s.Rows {
		var row []string
		for _, c := range r.Cells {
			said := fmt.Sprintf("%s %d %s", c.At, c.Style, c.Value)
			if c.F != nil {
				t.Errorf("%s is a formula", c.At)
			}
			if c.Text != nil {
				said = fmt.Sprintf("%s %d %q", c.At, c.Style, *c.Text)
			}
			row = append(row, said)
		}
		got = append(got, row)
	}
	want := [][]string{
		{`A1 1 "Account name"`, `B1 1 "N"`, `C1 1 "X"`, `D1 1 "MRR"`, `E1 1 "Share"`, `F1 1 "Day"`, `G1 1 "At"`},
		{`A2 2 "=1+1"`, "B2 3 3", "C2 3 1.5", "D2 8 -1234.56", "E2 4 0.125", "F2 5 45292", `G2 0 "1970-01-01T00:00:00Z"`},
		{`A3 0 "Beta <b> & \"sons\""`, "B3 3 0", "D3 6 5"},
		{`A4 0 "  two\nlines ` + "\ufffd" + `"`, "D4 9 0.001"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	if about := sheets["About"]; len(about.Rows) != 5 || *about.Rows[1].Cells[1].Text != "Policy" || *about.Rows[1].Cells[2].Text != "cairn" {
		t.Errorf("what holds for all rows: %+v", about.Rows)
	}
}

// TestEveryStyleIsThere holds the places of cell looks against the sheet of
// styles.
func TestEveryStyleIsThere(t *testing.T) {
	var s struct {
		Formats []struct {
			ID   int    `xml:"numFmtId,attr"`
			Code string `xml:"formatCode,attr"`
		} `xml:"numFmts>numFmt"`
		Looks []struct {
			Format int `xml:"numFmtId,attr"`
			Quoted int `xml:"quotePrefix,attr"`
		} `xml:"cellXfs>xf"`
	}
	unmarshal(t, []byte(styles), &s)
	code := map[int]string{3: "#,##0", 4: "#,##0.00"} // those that come with the format
	for _, f := range s.Formats {
		code[f.ID] = f.Code
	}
	for style, want := range map[int]string{stylePercent: "0.0%", styleDate: `yyyy\-mm\-dd`, styleMoney: "#,##0", styleMoney + 1: "#,##0.0", styleMoney + 2: "#,##0.00", styleMoney + 3: "#,##0.000"} {
		if got := code[s.Looks[style].Format]; got != want {
			t.Errorf("style %d has the format %q, want %q", style, got, want)
		}
	}
	if s.Looks[styleQuoted].Quoted != 1 {
		t.Error("what looks like a formula is not quoted")
	}
}

func TestTextIsCutWhereASheetWouldRefuseIt(t *testing.T) {
	var b bytes.Buffer
	long := strings.Repeat("ä", mostChars-1) + "🙂🙂"
	if err := XLSX(&b, Table{Name: "", Columns: Columns("a"), Rows: Of([]string{long}, func(s string) []Cell { return []Cell{Text(s)} })}); err != nil {
		t.Fatal(err)
	}
	got := *read(t, b.Bytes())["Sheet"].Rows[1].Cells[0].Text
	if n := utf8.RuneCountInString(got); n != mostChars-1 {
		t.Errorf("%d characters are kept, want %d", n, mostChars-1)
	}
}

func TestAnEmptyTableIsAWholeFile(t *testing.T) {
	var b bytes.Buffer
	if err := XLSX(&b, Table{Name: "none", Columns: Columns("a", "b"), Rows: Of(nil, func(int) []Cell { return nil })}); err != nil {
		t.Fatal(err)
	}
	if s := read(t, b.Bytes())["none"]; len(s.Rows) != 1 || s.Filter.Ref != "A1:B1" {
		t.Errorf("%+v", s)
	}
}

func TestWhatGoesWrongBetweenRowsIsSaid(t *testing.T) {
	bad := errors.New("the disk is gone")
	rows := func(yield func([]Cell, error) bool) {
		for range ahead + 5 {
			if !yield([]Cell{Count(1)}, nil) {
				return
			}
		}
		yield(nil, bad)
	}
	for name, write := range map[string]func(io.Writer) error{
		"csv":  func(w io.Writer) error { return CSV(w, Table{Columns: Columns("a"), Rows: rows}) },
		"xlsx": func(w io.Writer) error { return XLSX(w, Table{Columns: Columns("a"), Rows: rows}) },
	} {
		if err := write(io.Discard); !errors.Is(err, bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestASheetHoldsNoMoreRowsThanSheetsDo(t *testing.T) {
	w := &page{Writer: bufio.NewWriter(io.Discard), rows: mostRows - 1}
	if err := w.row([]Cell{Count(1)}); err != nil {
		t.Errorf("the last row: %v", err)
	}
	if err := w.row([]Cell{Count(1)}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("one row more: %v", err)
	}
}

// TestAHundredThousandRowsTakeLittleMemory writes rows that are made as they
// are asked for, and looks at what is held midway.
func TestAHundredThousandRowsTakeLittleMemory(t *testing.T) {
	live := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before, most := live(), uint64(0)
	rows := func(yield func([]Cell, error) bool) {
		for i := range 100_000 {
			if i%25_000 == 24_999 {
				most = max(most, live())
			}
			if !yield([]Cell{Text(fmt.Sprint("account ", i)), Money(cairn.Money{Minor: int64(i), Currency: "EUR"}), Date(cairn.Day(i))}, nil) {
				return
			}
		}
	}
	if err := XLSX(io.Discard, Table{Columns: Columns("account", "mrr", "day"), Rows: rows}); err != nil {
		t.Fatal(err)
	}
	if most > before+8<<20 {
		t.Errorf("%d MB are held", (most-before)>>20)
	}
}

func TestColumnsGoOnAfterZ(t *testing.T) {
	for i, want := range map[int]string{0: "A", 25: "Z", 26: "AA", 51: "AZ", 52: "BA", 701: "ZZ", 702: "AAA"} {
		if got := letters(i); got != want {
			t.Errorf("column %d is %s, want %s", i, got, want)
		}
	}
}
