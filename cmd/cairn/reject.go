package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/ingest"
)

func (c *cli) rejectsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "rejects",
		Short: "What was refused: list, show, mend, replay, dismiss",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.rejectsListCommand(), c.rejectsShowCommand(), c.rejectsMendCommand(), c.rejectsReplayCommand(),
		c.rejectsMoveCommand("dismiss", "Dismiss rejected records", ingest.RejectDismissed),
		c.rejectsMoveCommand("reopen", "Open dismissed records again", ingest.RejectOpen))
	return cmd
}

// rejectFlags are the flags that say which rejects are meant; the function
// returned reads them, with ids as arguments.
func rejectFlags(cmd *cobra.Command) func(args []string) (ingest.RejectQuery, error) {
	f := cmd.Flags()
	source := f.String("source", "", "of this source")
	code := f.String("code", "", "refused for this reason, such as missing")
	field := f.String("field", "", "with this field to correct")
	text := f.String("text", "", "whose text contains this")
	since := f.String("since", "", "refused since this time or day")
	until := f.String("until", "", "refused before this time or day")
	return func(args []string) (q ingest.RejectQuery, err error) {
		q = ingest.RejectQuery{Source: *source, Code: *code, Field: *field, Text: *text}
		if q.From, err = rejectTime("since", *since); err != nil {
			return q, err
		}
		if q.To, err = rejectTime("until", *until); err != nil {
			return q, err
		}
		for _, a := range args {
			id, err := rejectID(a)
			if err != nil {
				return q, err
			}
			q.IDs = append(q.IDs, id)
		}
		return q, nil
	}
}

func rejectTime(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, cairn.Errorf(cairn.Invalid, "--%s takes a day such as 2026-03-01 or a moment such as 2026-03-01T12:00:00Z.", flag).At(flag)
}

func rejectID(text string) (int64, error) {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id < 1 {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not the number of a rejected record; cairn source rejects list shows them.", text).At("id")
	}
	return id, nil
}

// chosen refuses a query that names nothing: everything must be asked for.
func chosen(q ingest.RejectQuery, all bool) error {
	if all || len(q.IDs) > 0 || q.Source != "" || q.Code != "" || q.Field != "" || q.Text != "" || !q.From.IsZero() || !q.To.IsZero() {
		return nil
	}
	return cairn.Errorf(cairn.Invalid, "Say which: by their numbers, by --source, --code, --field, --text, --since or --until, or --all of them.")
}

func (c *cli) rejectsListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List rejected records, newest first, and why records were ever refused",
		Args:  cobra.NoArgs,
	}
	query := rejectFlags(cmd)
	state := cmd.Flags().String("state", "open", "open, replayed, dismissed or any")
	most := cmd.Flags().Int("limit", 50, "at most so many, up to 1000")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := query(args)
		if err != nil {
			return err
		}
		q.Limit = *most
		switch s := ingest.RejectState(*state); s {
		case ingest.RejectOpen, ingest.RejectReplayed, ingest.RejectDismissed:
			q.State = s
		case "any":
			q.Any = true
		default:
			return cairn.Errorf(cairn.Invalid, "%q is no state: open, replayed, dismissed or any.", *state).At("state")
		}
		list, err := call(c, cmd, app.Rejects, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			list.Rejects, list.Counts = append([]ingest.Reject{}, list.Rejects...), append([]ingest.RejectCount{}, list.Counts...)
			return printJSON(c.out, list)
		}
		c.printRejects(list)
		return nil
	}
	return cmd
}

func (c *cli) printRejects(list app.RejectList) {
	g := grid{head: []string{">ID", "SOURCE", "SEEN", "STATE", "CODE", "FIELD", "REASON"}}
	for _, j := range list.Rejects {
		state := string(j.State)
		if j.Mended != "" {
			state += ", mended"
		}
		g.add(fmt.Sprint(j.ID), j.Source, lastSeen(j.Seen), state, j.Code, dash(j.Field), j.Reason)
	}
	g.print(c.out)
	if n := int64(len(list.Rejects)); n < list.Total {
		fmt.Fprintf(c.out, "\n%d of %d are shown.\n", n, list.Total)
	}
	if len(list.Counts) == 0 {
		return
	}
	fmt.Fprintln(c.out)
	g = grid{head: []string{"SOURCE", "CODE", "FIELD", ">REFUSED", ">OPEN", ">REPLAYED", ">DISMISSED", ">EVICTED", "LAST"}}
	for _, n := range list.Counts {
		g.add(n.Source, n.Code, dash(n.Field), fmt.Sprint(n.Refused), fmt.Sprint(n.Open()), fmt.Sprint(n.Replayed),
			fmt.Sprint(n.Dismissed), fmt.Sprint(n.Evicted), lastSeen(n.Last))
	}
	g.print(c.out)
}

func (c *cli) rejectsShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show ID",
		Short: "Show one rejected record, with stars for what is personal",
		Args:  cobra.ExactArgs(1),
	}
	personal := cmd.Flags().Bool("personal", false, "show what is personal too")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		id, err := rejectID(args[0])
		if err != nil {
			return err
		}
		shown, err := call(c, cmd, app.Reject, app.RejectAsked{ID: id, Personal: *personal}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, shown)
		}
		j := shown.Reject
		fmt.Fprintf(c.out, "Record %d of %s, %s, %s\n%s: %s\n", j.ID, j.Source, lastSeen(j.Seen), j.State, dash(j.Field), j.Reason)
		if j.State == ingest.RejectReplayed {
			fmt.Fprintf(c.out, "Replayed by %s: %s, event %s\n", j.By, j.Outcome, j.Event)
		} else {
			fmt.Fprintf(c.out, "Now: %s\n", verdictLine(shown.Verdict))
		}
		text := j.Text()
		if text == "" && !*personal {
			text = "It is not JSON, so that what is personal in it cannot be told; --personal shows it."
		}
		fmt.Fprintf(c.out, "\n%s\n", text)
		return nil
	}
	return cmd
}

// verdictLine is what the door would say, on one line.
func verdictLine(v ingest.Verdict) string {
	if v.Status != ingest.Rejected {
		return "it would be taken"
	}
	if v.Field == "" {
		return "it would be refused: " + v.Reason
	}
	return "it would be refused: " + v.Field + ": " + v.Reason
}

func (c *cli) rejectsMendCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "mend [ID…]",
		Short: "Mend rejected records: one by its text, many by a patch",
		Long: `Mend rejected records.

One record takes a new text: cairn source rejects mend 17 --body mended.json
Many are mended in the same way, by steps that are carried out in this order:
--drop, --rename, --set, --convert. Fields are paths such as traits.status.

  cairn source rejects mend --source crm --code unknown_value \
    --rename traits.state=traits.status --set traits.currency=EUR \
    --convert traits.mrr=number --dry-run

Mending sends nothing: cairn source rejects replay does, or --replay here.`,
		Args: cobra.ArbitraryArgs,
	}
	query := rejectFlags(cmd)
	f := cmd.Flags()
	all := f.Bool("all", false, "all that are open")
	body := f.String("body", "", "file with the new text of one record; - is standard input")
	drop := f.StringArray("drop", nil, "field to leave out")
	rename := f.StringArray("rename", nil, "OLD=NEW")
	set := f.StringArray("set", nil, "FIELD=VALUE; the value is JSON, else text")
	convert := f.StringArray("convert", nil, "FIELD="+strings.Join(ingest.ConvertTo, "|"))
	dry := f.Bool("dry-run", false, "show the first ones as they would be and change nothing")
	personal := f.Bool("personal", false, "with --dry-run: show what is personal too")
	replay := f.Bool("replay", false, "send them through the door again when they are mended")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := query(args)
		if err != nil {
			return err
		}
		if *body != "" {
			if len(q.IDs) != 1 {
				return cairn.Errorf(cairn.Invalid, "--body is the text of one record: name its number.").At("body")
			}
			err = c.mendOne(cmd, q.IDs[0], *body)
		} else {
			if err := chosen(q, *all); err != nil {
				return err
			}
			p, perr := patchOf(*drop, *rename, *set, *convert)
			if perr != nil {
				return perr
			}
			if *dry {
				return c.previewPatch(cmd, app.RejectPatch{Query: q, Patch: p, Preview: true, Personal: *personal}, *asJSON)
			}
			var done app.RejectPatched
			done, err = call(c, cmd, app.PatchRejects, app.RejectPatch{Query: q, Patch: p}, nil)
			if err == nil && !*replay {
				return c.printTally(done.Tally, *asJSON)
			}
		}
		if err != nil || !*replay {
			return err
		}
		t, err := call(c, cmd, app.ReplayRejects, q, nil)
		if err != nil {
			return err
		}
		return c.printTally(t, *asJSON)
	}
	return cmd
}

func (c *cli) mendOne(cmd *cobra.Command, id int64, file string) error {
	var text []byte
	var err error
	if file == "-" {
		text, err = io.ReadAll(io.LimitReader(c.in, 1<<20))
	} else {
		text, err = os.ReadFile(file)
	}
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "The text cannot be read.").At("body").Because(err)
	}
	_, err = call(c, cmd, app.MendReject, app.RejectText{ID: id, Text: strings.TrimSpace(string(text))}, nil)
	return err
}

// patchOf makes a patch of flags.
func patchOf(drop, rename, set, convert []string) (ingest.Patch, error) {
	var p ingest.Patch
	for _, f := range drop {
		p = append(p, ingest.Step{Op: "drop", Field: f})
	}
	pairs := func(flag string, list []string, step func(field, value string) ingest.Step) error {
		for _, s := range list {
			field, value, ok := strings.Cut(s, "=")
			if !ok {
				return cairn.Errorf(cairn.Invalid, "--%s takes FIELD=…, and %q has no =.", flag, s).At(flag)
			}
			p = append(p, step(field, value))
		}
		return nil
	}
	if err := pairs("rename", rename, func(f, v string) ingest.Step { return ingest.Step{Op: "rename", Field: f, To: v} }); err != nil {
		return nil, err
	}
	if err := pairs("set", set, func(f, v string) ingest.Step { return ingest.Step{Op: "set", Field: f, Value: jsonOrText(v)} }); err != nil {
		return nil, err
	}
	if err := pairs("convert", convert, func(f, v string) ingest.Step { return ingest.Step{Op: "convert", Field: f, As: v} }); err != nil {
		return nil, err
	}
	return p, p.Check()
}

// jsonOrText reads a value as JSON, and as text when it is none.
func jsonOrText(s string) any {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil || d.More() {
		return s
	}
	return v
}

func (c *cli) previewPatch(cmd *cobra.Command, p app.RejectPatch, asJSON bool) error {
	p.Query.Limit = 5
	out, err := call(c, cmd, app.PatchRejects, p, nil)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, out)
	}
	if len(out.Previews) == 0 {
		fmt.Fprintln(c.out, "Nothing that is open was found.")
	}
	for _, v := range out.Previews {
		fmt.Fprintf(c.out, "Record %d of %s: ", v.Reject.ID, v.Reject.Source)
		if !v.Changed {
			fmt.Fprint(c.out, "nothing would change; ")
		}
		fmt.Fprintf(c.out, "%s\n%s\n\n", verdictLine(v.Verdict), v.After)
	}
	return nil
}

func (c *cli) printTally(t ingest.Tally, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, t)
	}
	fmt.Fprintf(c.out, "%d found", t.Matched)
	for _, n := range []struct {
		n    int64
		what string
	}{{t.Changed, "changed"}, {t.Accepted, "accepted"}, {t.Late, "late"}, {t.Duplicate, "taken before"}, {t.Rejected, "refused again"}} {
		if n.n > 0 {
			fmt.Fprintf(c.out, ", %d %s", n.n, n.what)
		}
	}
	fmt.Fprintln(c.out, ".")
	return nil
}

func (c *cli) rejectsReplayCommand() *cobra.Command {
	return c.rejectsEach("replay", "Send rejected records through the door again, each under its own id", "all that are open",
		func(cmd *cobra.Command, q ingest.RejectQuery) (ingest.Tally, error) {
			return call(c, cmd, app.ReplayRejects, q, nil)
		})
}

func (c *cli) rejectsMoveCommand(use, short string, to ingest.RejectState) *cobra.Command {
	return c.rejectsEach(use, short, "all there are", func(cmd *cobra.Command, q ingest.RejectQuery) (ingest.Tally, error) {
		return call(c, cmd, app.MoveRejects, app.RejectMove{Query: q, To: to}, nil)
	})
}

// rejectsEach does something to all rejects that are chosen by number or by
// flags, and says what became of them.
func (c *cli) rejectsEach(use, short, everything string, do func(*cobra.Command, ingest.RejectQuery) (ingest.Tally, error)) *cobra.Command {
	cmd := &cobra.Command{Use: use + " [ID…]", Short: short, Args: cobra.ArbitraryArgs}
	query := rejectFlags(cmd)
	all := cmd.Flags().Bool("all", false, everything)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q, err := query(args)
		if err == nil {
			err = chosen(q, *all)
		}
		if err != nil {
			return err
		}
		t, err := do(cmd, q)
		if err != nil {
			return err
		}
		return c.printTally(t, *asJSON)
	}
	return cmd
}
