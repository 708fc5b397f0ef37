package web

import (
	"net/http"
	"strings"

	"cairn/internal/reply"
	"cairn/internal/sheet"
)

// A tabled is what makes the table behind a page of what its address asks for.
type tabled func(*http.Request, View) (sheet.Table, error)

// files serves a table as path.csv and path.xlsx. The links to them are made
// by the component of the same name, and a chart is saved by [chartFiles].
func (s *site) files(mux *http.ServeMux, path string, table tabled) {
	for kind, write := range map[string]func(http.ResponseWriter, sheet.Table) error{
		"csv":  func(w http.ResponseWriter, t sheet.Table) error { return sheet.CSV(w, t) },
		"xlsx": func(w http.ResponseWriter, t sheet.Table) error { return sheet.XLSX(w, t) },
	} {
		mux.Handle("GET "+path+"."+kind, s.page(func(w http.ResponseWriter, r *http.Request, v View) error {
			t, err := table(r, v)
			if err != nil {
				return err
			}
			t.About = append(t.About, sheet.Fact{Key: "made", Cell: sheet.Time(v.Now)}, sheet.Fact{Key: "address", Cell: sheet.Text(v.Address + v.Path)})
			w.Header().Set("Content-Type", fileTypes[kind])
			w.Header().Set("Content-Disposition", `attachment; filename="`+t.Name+`-`+v.Today().String()+`.`+kind+`"`)
			if err := write(w, t); err != nil {
				// What is sent cannot be taken back, but it must not look whole.
				reply.Log(r, s.Log, err)
				panic(http.ErrAbortHandler)
			}
			return nil
		}))
	}
}

var fileTypes = map[string]string{
	"csv":  "text/csv; charset=utf-8",
	"xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

// fileAt puts the ending of a file into an address, before its query.
func fileAt(address, ending string) string {
	path, query, asks := strings.Cut(address, "?")
	if path += "." + ending; asks {
		path += "?" + query
	}
	return path
}

// A caption is what a chart says of itself once it has left its page.
type caption struct {
	Title string // such as "From January to March 2026"
	Note  string // how it is reckoned, such as "MRR in EUR, policy cairn"
	Data  string // the address of [site.files] of the table behind it, with its query; "": none
}
