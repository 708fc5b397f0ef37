package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn/internal/app"
	"cairn/internal/ingest"
)

func (c *cli) sourceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "source",
		Short: "Who sends, and the keys they write with",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.sourceListCommand(), c.sourceAlarmsCommand(), c.sourceShowCommand(), c.sourceSetCommand(), c.sourceRevisionsCommand(), c.sourceSuggestCommand(), c.sourceKeyCommand(), c.rejectsCommand())
	return cmd
}

func (c *cli) sourceListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List sources with what arrived from each",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list, err := call(c, cmd, app.Sources, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, sources(list))
		}
		g := grid{head: []string{"SOURCE", "STATE", ">ACCEPTED", ">LATE", ">DUPLICATE", ">REJECTED", "LAST", "KEYS"}}
		for _, s := range list {
			t := s.Total
			state, _ := s.State()
			g.add(s.Source.Name, string(state), fmt.Sprint(t.Accepted), fmt.Sprint(t.Late), fmt.Sprint(t.Duplicate), fmt.Sprint(t.Rejected),
				lastSeen(t.Last), dash(strings.Join(hints(s.Keys), ", ")))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func lastSeen(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}

// sourceJSON is what --json prints of a source; see docs/cli.md.
type sourceJSON struct {
	Name      string    `json:"name"`
	State     string    `json:"state"`
	Why       string    `json:"why"`
	Accepted  int64     `json:"accepted"`
	Late      int64     `json:"late"`
	Duplicate int64     `json:"duplicate"`
	Rejected  int64     `json:"rejected"`
	Last      time.Time `json:"last,omitzero"`
	Keys      []string  `json:"keys"`
}

func sources(list []ingest.Summary) map[string][]sourceJSON {
	out := []sourceJSON{}
	for _, s := range list {
		t := s.Total
		state, why := s.State()
		out = append(out, sourceJSON{s.Source.Name, string(state), why, t.Accepted, t.Late, t.Duplicate, t.Rejected, t.Last, hints(s.Keys)})
	}
	return map[string][]sourceJSON{"sources": out}
}

// hints are the beginnings of the keys that still work.
func hints(keys []ingest.Key) []string {
	out := []string{}
	for _, k := range keys {
		if state, _ := k.State(time.Now()); state == ingest.KeyActive {
			out = append(out, k.Hint)
		}
	}
	return out
}
