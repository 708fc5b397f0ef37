package main

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/sheet"
)

// files are where a command saves what it would print.
type files struct{ csv, xlsx string }

// fileFlags adds --csv and --xlsx to a command that prints a table.
func fileFlags(cmd *cobra.Command) *files {
	var f files
	cmd.Flags().StringVar(&f.csv, "csv", "", "save as CSV in this file (- for standard output)")
	cmd.Flags().StringVar(&f.xlsx, "xlsx", "", "save as an XLSX workbook in this file (- for standard output)")
	cmd.MarkFlagsMutuallyExclusive("json", "csv")
	cmd.MarkFlagsMutuallyExclusive("json", "xlsx")
	return &f
}

// asked reports whether anything is to be saved.
func (f *files) asked() bool { return f.csv != "" || f.xlsx != "" }

// save writes the table to the files that were asked for.
func (f *files) save(c *cli, t sheet.Table) error {
	if f.csv == "-" && f.xlsx == "-" {
		return cairn.Errorf(cairn.Invalid, "Standard output holds one file: CSV or XLSX.").At("xlsx")
	}
	if err := saveFile(c, "csv", f.csv, func(w io.Writer) error { return sheet.CSV(w, t) }); err != nil {
		return err
	}
	return saveFile(c, "xlsx", f.xlsx, func(w io.Writer) error { return sheet.XLSX(w, t) })
}

func saveFile(c *cli, flag, name string, write func(io.Writer) error) error {
	switch name {
	case "":
		return nil
	case "-":
		return write(c.out)
	}
	f, err := os.Create(name)
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "The file %s cannot be written.", name).At(flag).Because(err)
	}
	w := bufio.NewWriter(f)
	err = write(w)
	if err == nil {
		err = w.Flush()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.err, "Saved in %s.\n", name)
	return nil
}
