package ingest

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"encoding/csv"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"cairn"

	"github.com/google/go-cmp/cmp"
)

// readAll returns the header and the rows; a row that could not be read is
// its number and why.
func readAll(t testing.TB, name, format string, r io.Reader) (header []string, rows [][]string, err error) {
	t.Helper()
	tab, err := openTable(name, format, r)
	if err != nil {
		return nil, nil, err
	}
	for {
		r, err := tab.next()
		if err == io.EOF {
			return tab.columns(), rows, nil
		}
		if err != nil {
			return tab.columns(), rows, err
		}
		if r.problem != nil {
			r.cells = []string{"!", r.problem.Text}
		}
		rows = append(rows, r.cells)
	}
}

func zipped(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func wide(s string, order binary.AppendByteOrder) string {
	b := order.AppendUint16(nil, 0xfeff)
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

func TestTablesAreReadHoweverTheyAreWritten(t *testing.T) {
	plain := [][]string{{"1", "Zoë"}, {"2", "b"}}
	for _, c := range []struct {
		name, text string
		want       [][]string
	}{
		{"comma", "id,name\n1,Zoë\n2,b\n", plain},
		{"semicolon", "id;name\n1;Zoë\n2;b\n", plain},
		{"tab", "id\tname\n1\tZoë\n2\tb\n", plain},
		{"bar", "id|name\n1|Zoë\n2|b\n", plain},
		{"a separator in a quoted name", "id;\"name\"\n1;Zoë\n2;b\n", plain},
		{"no line end at the end", "id,name\n1,Zoë\n2,b", plain},
		{"line ends of Windows", "id,name\r\n1,Zoë\r\n2,b\r\n", plain},
		{"a carriage return at the very end", "id,name\n1,Zoë\n2,b\r", plain},
		{"empty lines", "\nid,name\n\n1,Zoë\n\r\n2,b\n\n", plain},
		{"byte order mark", "\ufeffid,name\n1,Zoë\n2,b\n", plain},
		{"UTF-16, low byte first", wide("id,name\n1,Zoë\n2,b\n", binary.LittleEndian), plain},
		{"UTF-16, high byte first", wide("id,name\n1,Zoë\n2,b\n", binary.BigEndian), plain},
		{"gzip", zipped("id,name\n1,Zoë\n2,b\n"), plain},
		{"gzip with a byte order mark", zipped("\ufeffid;name\n1;Zoë\n2;b\n"), plain},
		{"a spreadsheet's note of its separator", "sep=;\nid;name\n1;Zoë\n2;b\n", plain},
		{"remarks of a rejects file", "_row,id,name,_field,_reason\n7,1,Zoë,id,why\n8,2,b,,\n", plain},
		{"quoted", "id,name\n\"1\",\"Zoë\"\n2,\"b\"\n", plain},
		{"line break in quotes", "id,name\n1,\"a\r\nb\n\nc\"\n2,b\n", [][]string{{"1", "a\nb\n\nc"}, {"2", "b"}}},
		{"separator and quote in quotes", "id,name\n1,\"a,\"\"b\"\"\"\n", [][]string{{"1", `a,"b"`}}},
		{"a quote inside a plain cell", "id,name\n1,5\" pipe\n", [][]string{{"1", `5" pipe`}}},
		{"empty cells", "id,name\n,\n\"\",\n", [][]string{{"", ""}, {"", ""}}},
		{"astral characters", wide("id,name\n1,😀\n", binary.LittleEndian), [][]string{{"1", "😀"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			header, rows, err := readAll(t, "f.csv", "", strings.NewReader(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff([]string{"id", "name"}, header); d != "" {
				t.Errorf("header (-want +got)\n%s", d)
			}
			if d := cmp.Diff(c.want, rows); d != "" {
				t.Errorf("rows (-want +got)\n%s", d)
			}
		})
	}
}

func TestABadRowCostsOnlyItself(t *testing.T) {
	text := "id,name\n1,a\n2,\"never closed\n3,c\n4,\"wrong\" quote\n5,e,too many\n6\n7,\xff\n8,h\n"
	_, rows, err := readAll(t, "f.csv", "", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"1", "a"},
		{"!", "A quote inside a quoted cell is not doubled."},
		{"3", "c"},
		{"!", "A quote inside a quoted cell is not doubled."},
		{"!", "The row has 3 cells and the header has 2."},
		{"!", "The row has 1 cells and the header has 2."},
		{"!", "The text is not UTF-8. Save the file as UTF-8."},
		{"8", "h"},
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestAQuoteThatIsNeverClosedDoesNotSwallowTheFile(t *testing.T) {
	text := "id,name\n1,\"open\n" + strings.Repeat("2,b\n", 1000)
	_, rows, err := readAll(t, "f.csv", "", strings.NewReader(text))
	if err != nil || len(rows) != 1001 || rows[0][1] != "A quote is opened and never closed." || rows[1000][0] != "2" {
		t.Errorf("%d rows, first %v, %v", len(rows), rows[:1], err)
	}
}

func TestARowThatIsTooLongIsRefusedInConstantMemory(t *testing.T) {
	long := strings.Repeat("x", 3*maxRow)
	for name, text := range map[string]string{
		"f.csv":    "id,name\n1," + long + "\n2,b\n3,\"" + long + "\n4,d\n",
		"f.ndjson": "{}\n{\"a\":\"" + long + "\"}\n{}\n\"" + long + "\"\n{}\n",
	} {
		tab, err := openTable(name, "", strings.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		var bad int
		var all int
		for {
			r, err := tab.next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			if all++; r.problem != nil {
				bad++
			}
			if len(r.raw) > maxRow {
				t.Errorf("%s: %d bytes of row %d were kept", name, len(r.raw), r.number)
			}
		}
		if bad != 2 || all < 4 {
			t.Errorf("%s: %d of %d rows refused, want 2", name, bad, all)
		}
	}
}

func TestJSONLinesAreReadOneByOne(t *testing.T) {
	text := "\ufeff{\"id\":1,\"big\":12345678901234567890,\"_row\":3}\n\n[1]\n{\"id\":\n{\"id\" 4}\nnull\n{\"id\":2} {\"id\":3}\n"
	tab, err := openTable("f", "", strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for {
		r, err := tab.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if r.problem != nil {
			got = append(got, r.problem.Text)
			continue
		}
		b, _ := encode(r.object)
		got = append(got, b)
	}
	want := []string{
		`{"big":12345678901234567890,"id":1}`,
		"The line is not a JSON object.",
		"The line ends in the middle of its JSON.",
		"The line is not JSON at character 7.",
		"The line is not a JSON object.",
		"The line holds more than one JSON object.",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func encode(v map[string]any) (string, error) {
	b, err := object(v)
	return string(b), err
}

func TestAFileThatIsNoTableIsRefusedWithWhatToDo(t *testing.T) {
	for _, c := range []struct{ name, file, format, text, want string }{
		{"empty", "f.csv", "", "", "empty"},
		{"only blanks", "f.csv", "", " \n\n", "empty"},
		{"only a note of the separator", "f.csv", "", "sep=;\n", "no header"},
		{"a spreadsheet", "f.xlsx", "", "PK\x03\x04....", "Save it as CSV"},
		{"a JSON array", "f.json", "", " [{\"a\":1}]", "one object to a line"},
		{"a column twice", "f.csv", "", "a,b,a\n", `names column "a" twice`},
		{"an open quote in the header", "f.csv", "", "a,\"b\n", "The header cannot be read"},
		{"an unknown format", "f.csv", "xml", "a,b\n", "csv or ndjson"},
		{"gzip of nothing", "f.gz", "", "\x1f\x8b", "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := readAll(t, c.file, c.format, strings.NewReader(c.text))
			if cairn.KindOf(err) != cairn.Invalid || !strings.Contains(cairn.TextOf(err), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestAFileCutShortGivesItsRowsAndThenAnError(t *testing.T) {
	whole := zipped("id,name\n" + strings.Repeat("1,some text that does not shrink to nothing\n", 20000))
	_, rows, err := readAll(t, "f.csv.gz", "", strings.NewReader(whole[:len(whole)-20]))
	if err == nil || cairn.KindOf(err) != cairn.Invalid || len(rows) == 0 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
	_, _, err = readAll(t, "f.csv", "", io.MultiReader(strings.NewReader("id,name\n1,a\n"), iotest.ErrReader(io.ErrClosedPipe)))
	if cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("got %v", err)
	}
}

// What the standard library reads without complaint is read the same here.
func FuzzCSVReadsWhatTheStandardLibraryReads(f *testing.F) {
	for _, s := range []string{
		"a,b\n1,2\n", "a;b\n\"x;\"\"y\";z\n", "a,b\n\"line\nbreak\",2\r\n", "a,b\n,\n\"\",\"\"", "a\n\"\n\"\n", "a,b\n1,\"\r\r\n\"\n", "a,b\r",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		tab, err := openTable("f.csv", FormatCSV, strings.NewReader(text))
		if err != nil || strings.HasPrefix(text, "\ufeff") || strings.HasPrefix(text, "sep=") || strings.HasPrefix(text, "\xff\xfe") || strings.HasPrefix(text, "\xfe\xff") || strings.HasPrefix(text, "\x1f\x8b") {
			return
		}
		std := csv.NewReader(strings.NewReader(text))
		std.Comma, std.FieldsPerRecord = rune(tab.separator()), -1
		want, err := std.ReadAll()
		if err != nil {
			return
		}
		for i, w := range want[1:] {
			r, err := tab.next()
			if err != nil {
				t.Fatalf("row %d: %v", i+2, err)
			}
			if r.number != i+2 {
				t.Errorf("row %d is numbered %d", i+2, r.number)
			}
			if r.problem != nil || len(tab.columns()) != len(want[0]) {
				continue // of another width, not UTF-8, or with remarks
			}
			if d := cmp.Diff(w, r.cells); d != "" {
				t.Errorf("row %d (-want +got)\n%s", i+2, d)
			}
		}
		if _, err := tab.next(); err != io.EOF {
			t.Errorf("more rows than the standard library reads: %v", err)
		}
	})
}

func FuzzAnyBytesEndWithRowsOrAnError(f *testing.F) {
	f.Add([]byte("a,b\n1,\"2\n"), "f.csv")
	f.Add([]byte("{\"a\":1}\n"), "f.ndjson")
	f.Add([]byte("\xff\xfea\x00,\x00"), "f")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		tab, err := openTable(name, "", bytes.NewReader(text))
		for n := 0; err == nil; n++ {
			var r row
			if r, err = tab.next(); err == nil && r.problem == nil && r.object == nil && len(r.cells) != len(tab.columns()) {
				t.Errorf("row %d has %d cells", r.number, len(r.cells))
			}
			if n > len(text)+1 {
				t.Fatal("there is no end of rows")
			}
		}
	})
}
