package sheet

import (
	"archive/zip"
	"bufio"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cairn"
)

// What sheets hold at most (ECMA-376 leaves it open, Excel does not).
const (
	mostRows  = 1 << 20
	mostChars = 32767
)

// XLSX writes a workbook with a sheet for each table, its heading frozen and
// ready to be filtered, and a sheet that tells what holds for all rows.
func XLSX(w io.Writer, tables ...Table) error {
	z := zip.NewWriter(w)
	b := book{zip: z, names: names(tables)}
	for _, part := range []struct{ name, text string }{
		{"[Content_Types].xml", b.types()}, {"_rels/.rels", relations},
		{"xl/workbook.xml", b.workbook()}, {"xl/_rels/workbook.xml.rels", b.relations()}, {"xl/styles.xml", styles},
	} {
		if err := b.put(part.name, part.text); err != nil {
			return err
		}
	}
	for i, t := range tables {
		if err := b.sheet(i, t); err != nil {
			return err
		}
	}
	if err := b.sheet(len(tables), about(tables)); err != nil {
		return err
	}
	return z.Close()
}

// about is the table of what holds for all rows of the others.
func about(tables []Table) Table {
	type said struct {
		sheet string
		Fact
	}
	var all []said
	for _, t := range tables {
		for _, f := range slices.Concat(t.Same, t.About) {
			all = append(all, said{t.Name, f})
		}
	}
	return Table{Name: "About", Columns: Columns("sheet", "what", "is"), Rows: Of(all, func(s said) []Cell {
		return []Cell{Text(s.sheet), Text(Column{Key: s.Key}.title()), s.Cell}
	})}
}

// names are those of the sheets, as a workbook allows them: without some
// signs, at most 31 of them, and no two alike.
func names(tables []Table) []string {
	var out []string
	seen := map[string]bool{"about": true, "history": true} // the one is ours, the other Excel's
	for i, t := range tables {
		name := strings.Trim(strings.Map(func(r rune) rune {
			if strings.ContainsRune(`[]:*?/\`, r) || !allowed(r) {
				return ' '
			}
			return r
		}, t.Name), " '")
		if runes := []rune(name); len(runes) > 27 {
			name = string(runes[:27])
		}
		if name == "" {
			name = "Sheet"
		}
		if seen[strings.ToLower(name)] {
			name += " " + strconv.Itoa(i+1)
		}
		seen[strings.ToLower(name)] = true
		out = append(out, name)
	}
	return append(out, "About")
}

// A book is a workbook that is being written.
type book struct {
	zip   *zip.Writer
	names []string
}

func (b book) put(name, text string) error {
	w, err := b.zip.Create(name)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	return err
}

// sheet writes the rows of one table as they come.
func (b book) sheet(i int, t Table) error {
	f, err := b.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", i+1))
	if err != nil {
		return err
	}
	w := &page{Writer: bufio.NewWriterSize(f, 1<<16)}
	if err := w.table(t); err != nil {
		return err
	}
	return w.Flush()
}

// A page is a sheet that is being written.
type page struct {
	*bufio.Writer
	rows int
}

// ahead is how many rows are looked at to know how wide columns are.
const ahead = 200

func (w *page) table(t Table) error {
	var first [][]Cell
	begun := false
	for cells, err := range t.Rows {
		switch {
		case err != nil:
			return err
		case begun:
			if err := w.row(cells); err != nil {
				return err
			}
		default:
			if first = append(first, append([]Cell{}, cells...)); len(first) == ahead {
				if begun, err = true, w.begin(t.Columns, first); err != nil {
					return err
				}
			}
		}
	}
	if !begun {
		if err := w.begin(t.Columns, first); err != nil {
			return err
		}
	}
	fmt.Fprintf(w, `</sheetData><autoFilter ref="A1:%s%d"/></worksheet>`, letters(len(t.Columns)-1), max(w.rows, 1))
	return nil
}

// begin writes what stands before the rows, the heading, and the first rows.
func (w *page) begin(columns []Column, first [][]Cell) error {
	w.WriteString(head + `<worksheet xmlns="` + main + `"><sheetViews><sheetView workbookViewId="0">` +
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>`)
	for i, c := range columns {
		fmt.Fprintf(w, `<col min="%d" max="%d" width="%d" customWidth="1"/>`, i+1, i+1, width(c, i, first))
	}
	w.WriteString(`</cols><sheetData>`)
	w.rows++
	w.WriteString(`<row r="1">`)
	for i, c := range columns {
		w.text(letters(i)+"1", c.title(), styleHead)
	}
	w.WriteString(`</row>`)
	for _, cells := range first {
		if err := w.row(cells); err != nil {
			return err
		}
	}
	return nil
}

// width is how wide a column is, in characters.
func width(c Column, at int, rows [][]Cell) int {
	if c.Wide > 0 {
		return min(c.Wide, 255)
	}
	wide := utf8.RuneCountInString(c.title()) + 3 // and the arrow of the filter
	for _, cells := range rows {
		if at < len(cells) {
			n := utf8.RuneCountInString(cells[at].asText())
			if cells[at].kind == money {
				n += n / 3
			}
			wide = max(wide, n+2)
		}
	}
	return max(8, min(wide, 60))
}

func (w *page) row(cells []Cell) error {
	if w.rows == mostRows {
		return cairn.Errorf(cairn.Invalid, "A sheet holds at most %d rows: ask for CSV, or for less.", mostRows)
	}
	w.rows++
	n := strconv.Itoa(w.rows)
	w.WriteString(`<row r="` + n + `">`)
	for i, c := range cells {
		at := letters(i) + n
		switch c.kind {
		case none:
		case text:
			style := styleText
			if formula(c.text) {
				style = styleQuoted
			}
			w.text(at, c.text, style)
		default:
			w.WriteString(`<c r="` + at + `" s="` + strconv.Itoa(c.style()) + `"><v>` + c.text + `</v></c>`)
		}
	}
	_, err := w.WriteString(`</row>`)
	return err
}

// text writes a cell of text, which is never a formula.
func (w *page) text(at, s string, style int) {
	w.WriteString(`<c r="` + at + `" s="` + strconv.Itoa(style) + `" t="inlineStr"><is><t xml:space="preserve">`)
	left := mostChars
	for _, r := range s {
		if left--; r > 0xffff {
			left-- // counted as two
		}
		if left < 0 {
			break
		}
		switch {
		case r == '&':
			w.WriteString("&amp;")
		case r == '<':
			w.WriteString("&lt;")
		case r == '>':
			w.WriteString("&gt;")
		case allowed(r):
			w.WriteRune(r)
		default:
			w.WriteRune('\ufffd')
		}
	}
	w.WriteString(`</t></is></c>`)
}

// allowed reports whether XML may hold a character.
func allowed(r rune) bool {
	return r == '\t' || r == '\n' || r >= 0x20 && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000
}

// letters are those of a column: A, B … Z, AA.
func letters(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return letters(i/26-1) + letters(i%26)
}

// escape writes text as an attribute may hold it.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;").Replace(s)
}

func (b book) types() string {
	var s strings.Builder
	s.WriteString(head + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` +
		`<Override PartName="/xl/workbook.xml" ContentType="` + office + `sheet.main+xml"/>` +
		`<Override PartName="/xl/styles.xml" ContentType="` + office + `styles+xml"/>`)
	for i := range b.names {
		fmt.Fprintf(&s, `<Override PartName="/xl/worksheets/sheet%d.xml" ContentType="%sworksheet+xml"/>`, i+1, office)
	}
	return s.String() + `</Types>`
}

func (b book) workbook() string {
	var s strings.Builder
	s.WriteString(head + `<workbook xmlns="` + main + `" xmlns:r="` + linked + `"><sheets>`)
	for i, name := range b.names {
		fmt.Fprintf(&s, `<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, escape(name), i+1, i+1)
	}
	return s.String() + `</sheets></workbook>`
}

func (b book) relations() string {
	var s strings.Builder
	s.WriteString(head + `<Relationships xmlns="` + parts + `">`)
	for i := range b.names {
		fmt.Fprintf(&s, `<Relationship Id="rId%d" Type="%s/worksheet" Target="worksheets/sheet%d.xml"/>`, i+1, linked, i+1)
	}
	fmt.Fprintf(&s, `<Relationship Id="rId%d" Type="%s/styles" Target="styles.xml"/>`, len(b.names)+1, linked)
	return s.String() + `</Relationships>`
}
