package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
)

// A SourceRevision is what was agreed with a source from a moment on.
type SourceRevision struct {
	Rev     int         `json:"rev"`
	At      time.Time   `json:"at"`
	By      string      `json:"by"`
	Note    string      `json:"note"`
	Changed []book.Line `json:"changed"` // against the revision before
	Current bool        `json:"current"`
}

// RevisionsOf returns what was ever agreed with a source, newest first.
func RevisionsOf(ctx context.Context, sources Sources, name string) ([]SourceRevision, error) {
	list, err := sources.Revisions(ctx, "source/"+name)
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(list)+1) // the last: nothing
	for i, r := range list {
		src, err := sourceIn(r)
		if err != nil {
			return nil, err
		}
		if texts[i], err = src.Text(); err != nil {
			return nil, err
		}
		if strings.TrimSpace(texts[i]) == "{}" {
			texts[i] = "" // nothing is agreed
		}
	}
	out := make([]SourceRevision, len(list))
	for i, r := range list {
		out[i] = SourceRevision{r.Rev, r.At, r.By.Name, r.Note, book.Diff(texts[i+1], texts[i], 2), i == 0}
	}
	return out, nil
}

func sourceIn(r book.Revision) (src Source, err error) {
	err = json.Unmarshal(r.Body, &src)
	return src, err
}

// RestoreSource makes an earlier revision the newest, on top of revision base
// (0: whatever is newest). Keys are not part of it.
func RestoreSource(ctx context.Context, sources Sources, by cairn.Actor, name string, rev, base int, now time.Time) error {
	list, err := sources.Revisions(ctx, "source/"+name)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(r book.Revision) bool { return r.Rev == rev })
	if i < 0 {
		return cairn.Errorf(cairn.NotFound, "The source %s has no revision %d.", name, rev).At("rev")
	}
	src, err := sourceIn(list[i])
	if err != nil {
		return err
	}
	if base == 0 {
		base = list[0].Rev
	}
	src.Name, src.Rev = name, base
	return sources.SaveSource(ctx, by, src, fmt.Sprintf("As in revision %d.", rev), now)
}
