package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/ingest"
)

// previewed is how many rows a dry run shows, and how many refused rows are
// named on the terminal; the file of rejects has them all.
const previewed = 5

// An importRun is one invocation of cairn import.
type importRun struct {
	*cli
	kind, mapping, source, format, asOf, rejects string
	dry, asJSON, fromStart                       bool

	to *app.Link
}

func importCommand(c *cli) *cobra.Command {
	r := &importRun{cli: c}
	cmd := &cobra.Command{
		Use:   "import FILE…",
		Short: "Read events, accounts, people, contracts, invoices, tickets or answers from files",
		Long: `Reads CSV and JSON lines, also under gzip or Zstandard, row by row, and gives
them to the front door. What was imported before is recognised and changes
nothing; an import that was broken off goes on where it was. Refused rows
are written to FILE.rejects.csv with why; mend them there and import that file.
FILE may be - for standard input. See docs/import.md.`,
		Args: cobra.MinimumNArgs(1),
	}
	f := cmd.Flags()
	f.StringVar(&r.kind, "kind", "", "what the rows are: "+strings.Join(ingest.Kinds(), ", ")+" (default: as the mapping says)")
	f.StringVar(&r.mapping, "map", "", "file that says what each column is (default: by the names of the columns)")
	f.StringVar(&r.source, "source", "import", "name of the source that the rows come from")
	f.StringVar(&r.format, "format", "", "csv or ndjson (default: found out)")
	f.StringVar(&r.asOf, "as-of", "", "day or time at which rows without one held (default now)")
	f.StringVar(&r.rejects, "rejects", "", "file for refused rows (default FILE.rejects.csv)")
	f.BoolVar(&r.fromStart, "from-start", false, "begin with the first row, also where an import of the file was broken off")
	f.BoolVar(&r.dry, "dry-run", false, "say what would happen and write nothing")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		r.asJSON = *asJSON
		return r.run(cmd, args)
	}
	return cmd
}

func (r *importRun) run(cmd *cobra.Command, files []string) (err error) {
	im, err := r.importer(len(files))
	if err != nil {
		return err
	}
	l, err := r.link(cmd)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	r.to = l
	if err := r.connect(cmd.Context(), l, &im); err != nil {
		return err
	}
	for _, file := range files {
		if err := r.one(cmd.Context(), im, file); err != nil {
			return err
		}
	}
	return nil
}

// importer makes what can be made without the store.
func (r *importRun) importer(files int) (ingest.Importer, error) {
	im := ingest.Importer{Kind: r.kind, Format: r.format}
	if r.rejects != "" && files > 1 {
		return im, cairn.Errorf(cairn.Invalid, "--rejects names one file, so import one file at a time.").At("rejects")
	}
	if r.mapping != "" {
		f, err := os.Open(r.mapping)
		if err != nil {
			return im, cairn.Errorf(cairn.Invalid, "The mapping cannot be opened.").Because(err)
		}
		defer f.Close()
		if im.Mapping, err = ingest.ReadMapping(f); err != nil {
			return im, located(r.mapping, err)
		}
	}
	if r.kind == "" && (im.Mapping == nil || im.Mapping.Kind == "") {
		return im, cairn.Errorf(cairn.Invalid, "Say what the rows are with --kind: %s.", strings.Join(ingest.Kinds(), ", ")).At("kind")
	}
	return im, nil
}

// located puts where it is before the text of an error.
func located(where string, err error) error {
	var e *cairn.Error
	if !errors.As(err, &e) {
		return err
	}
	c := *e
	if c.Field != "" {
		where += ": " + c.Field
	}
	c.Text = where + ": " + c.Text
	return &c
}

// connect gives the importer the clock and the door behind l.
func (r *importRun) connect(ctx context.Context, l *app.Link, im *ingest.Importer) error {
	clock, err := app.Call(ctx, l, app.Clocks, app.None{}, nil)
	if err != nil {
		return err
	}
	im.Now = clock.Now
	if im.Zone, err = time.LoadLocation(clock.Zone); err != nil {
		return cairn.Errorf(cairn.Internal, "The workspace's zone %q is not known on this machine.", clock.Zone).Because(err)
	}
	if r.asOf != "" {
		if im.AsOf, err = ingest.ReadDate(r.asOf, im.Zone); err != nil {
			return located("--as-of", err)
		}
	}
	src, err := r.known(ctx, l)
	if err != nil {
		return err
	}
	admit := app.Admit
	if r.dry {
		admit = app.Check
	}
	im.Admit = func(ctx context.Context, recs []ingest.Record) ([]ingest.Verdict, error) {
		return app.Call(ctx, l, admit, app.Delivery{Source: src, File: true, Records: recs}, nil)
	}
	return nil
}

// known returns the source as the workspace knows it, or a new one.
func (r *importRun) known(ctx context.Context, l *app.Link) (ingest.Source, error) {
	list, err := app.Call(ctx, l, app.Sources, app.None{}, nil)
	if err != nil {
		return ingest.Source{}, err
	}
	for _, s := range list {
		if s.Source.Name == r.source {
			return s.Source, nil
		}
	}
	return ingest.Source{Name: r.source}, nil
}

// one imports one file and prints what became of it.
func (r *importRun) one(ctx context.Context, im ingest.Importer, file string) error {
	in, size, err := r.open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	var refused []ingest.Refusal
	im.Refused = func(x ingest.Refusal) {
		if len(refused) < previewed {
			refused = append(refused, x)
		}
	}
	if !r.dry {
		im.Rejects = r.rejectsOf(file)
	} else if !r.asJSON {
		im.Made = r.preview()
	}
	id := ""
	if !r.dry && file != "-" {
		if id, err = r.resume(ctx, &im, file, size); err != nil {
			return err
		}
	}
	say, done := r.progress()
	report, err := im.Run(ctx, file, in, func(n int64) {
		say(app.Progress{What: "Importing " + filepath.Base(file), Done: n, Of: size, Unit: "bytes"})
	})
	done()
	for _, x := range refused {
		fmt.Fprintf(r.err, "%s: %s\n", file, x)
	}
	if n := report.Rejected - int64(len(refused)); n > 0 {
		fmt.Fprintf(r.err, "%s: and %d more rows.\n", file, n)
	}
	if err != nil {
		if report.Read > 0 && !r.dry {
			fmt.Fprintf(r.err, "%s: %d rows were accepted before; import the file again and it goes on there.\n", file, report.Accepted)
		}
		return located(file, err)
	}
	if id != "" {
		if _, err := app.Call(ctx, r.to, app.ImportReached, app.ImportMark{File: id}, nil); err != nil {
			return err
		}
	}
	return r.print(file, report)
}

// resume has the importer go on where an import of the file was broken off,
// and remember how far it comes. It returns what the file is known by.
func (r *importRun) resume(ctx context.Context, im *ingest.Importer, file string, size int64) (id string, err error) {
	if id, err = r.identity(file, size); err != nil {
		return "", err
	}
	if !r.fromStart {
		if im.From, err = app.Call(ctx, r.to, app.ImportFrom, id, nil); err != nil {
			return "", err
		}
	}
	if n := im.From.Report.Read; n > 0 {
		fmt.Fprintf(r.err, "%s: going on after row %d, where an import of it was broken off; --from-start begins anew.\n", file, n)
	}
	warned := false
	im.Reached = func(ctx context.Context, m ingest.Mark) {
		_, err := app.Call(ctx, r.to, app.ImportReached, app.ImportMark{File: id, Mark: m}, nil)
		if err != nil && !warned {
			warned = true // the import itself says what is wrong; this only costs time when it is broken off
			fmt.Fprintf(r.err, "%s: how far it has come cannot be remembered just now.\n", file)
		}
	}
	return id, nil
}

// identity is what a file is known by, together with how it is imported: its
// size, its beginning and its end.
func (r *importRun) identity(file string, size int64) (string, error) {
	const part = 256 << 10
	f, err := os.Open(file)
	if err != nil {
		return "", cairn.Errorf(cairn.Invalid, "%s cannot be opened.", file).Because(err)
	}
	defer f.Close()
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %d ", r.source, r.kind, r.format, r.asOf, size)
	for _, from := range []int64{0, max(size-part, 0)} {
		if _, err := io.Copy(h, io.NewSectionReader(f, from, part)); err != nil {
			return "", cairn.Errorf(cairn.Invalid, "%s cannot be read.", file).Because(err)
		}
	}
	if r.mapping != "" {
		text, err := os.ReadFile(r.mapping)
		if err != nil {
			return "", cairn.Errorf(cairn.Invalid, "The mapping cannot be opened.").Because(err)
		}
		h.Write(text)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

func (r *importRun) open(file string) (io.ReadCloser, int64, error) {
	if file == "-" {
		return io.NopCloser(r.in), 0, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, 0, cairn.Errorf(cairn.Invalid, "%s cannot be opened.", file).Because(err)
	}
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		f.Close()
		return nil, 0, cairn.Errorf(cairn.Invalid, "%s is not a file.", file).Because(err)
	}
	return f, info.Size(), nil
}

// rejectsOf makes the file for refused rows next to the original. One that is
// there already may hold rows that somebody is mending, and is left alone.
func (r *importRun) rejectsOf(file string) func(ext string) (io.WriteCloser, string, error) {
	return func(ext string) (io.WriteCloser, string, error) {
		if file == "-" {
			file = "stdin"
		}
		path := r.rejects
		if path == "" {
			path = file + ".rejects." + ext
		}
		for n := 2; ; n++ {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			switch {
			case err == nil:
				return f, path, nil
			case !errors.Is(err, os.ErrExist) || r.rejects != "":
				return nil, "", cairn.Errorf(cairn.Invalid, "The file for refused rows cannot be made: name another with --rejects.").Because(err)
			}
			path = file + ".rejects-" + strconv.Itoa(n) + "." + ext
		}
	}
}

func (r *importRun) print(file string, report ingest.Report) error {
	if r.asJSON {
		return printJSON(r.out, report)
	}
	would := ""
	if r.dry {
		would = "would be "
	}
	fmt.Fprintf(r.out, "%s: %d rows read, %d %saccepted, %d %srejected", file, report.Read, report.Accepted, would, report.Rejected, would)
	if !r.dry {
		fmt.Fprintf(r.out, ", %d known already", report.Duplicate)
	}
	if report.Skipped > 0 {
		fmt.Fprintf(r.out, ", %d left out by the mapping", report.Skipped)
	}
	fmt.Fprintln(r.out, ".")
	if report.Rejects != "" {
		fmt.Fprintf(r.out, "The rejected rows are in %s, each with why. Mend them there and import that file.\n", report.Rejects)
	}
	return nil
}

// preview prints what is made of the first rows.
func (r *importRun) preview() func(row int, recs []ingest.Record) {
	shown := 0
	return func(row int, recs []ingest.Record) {
		if shown++; shown > previewed {
			return
		}
		for _, rec := range recs {
			fmt.Fprintf(r.out, "row %d: %s\n", row, rec)
		}
	}
}
