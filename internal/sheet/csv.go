package sheet

import (
	"encoding/csv"
	"io"
)

// CSV writes t with a heading of keys. What holds for every row stands in
// every row; a row with fewer cells than there are columns is filled up.
func CSV(w io.Writer, t Table) error {
	out := csv.NewWriter(w)
	row := make([]string, 0, len(t.Same)+len(t.Columns))
	for _, f := range t.Same {
		row = append(row, f.Key)
	}
	for _, c := range t.Columns {
		row = append(row, c.Key)
	}
	if err := out.Write(row); err != nil {
		return err
	}
	for cells, err := range t.Rows {
		if err != nil {
			return err
		}
		row = row[:0]
		for _, f := range t.Same {
			row = append(row, f.Cell.asText())
		}
		for i := range t.Columns {
			if i < len(cells) {
				row = append(row, cells[i].asText())
			} else {
				row = append(row, "")
			}
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}
