package web

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ingest"
)

// A sourceChange is one change of a source or of its keys.
type sourceChange struct {
	Text    string
	By      string
	At      time.Time
	Rev     int // of what is agreed; 0: its keys were changed
	Current bool
	Changed []book.Line
}

// mostChanges is how many changes a page lists.
const mostChanges = 20

// sourceHistory is what was changed about a source and its keys, newest first.
func (s *site) sourceHistory(r *http.Request, name string) ([]sourceChange, error) {
	agreed, err := ingest.RevisionsOf(r.Context(), s.Sources, name)
	if err != nil {
		return nil, err
	}
	keys, err := s.Sources.Revisions(r.Context(), "source/"+name+"/keys")
	if err != nil {
		return nil, err
	}
	var out []sourceChange
	for _, c := range agreed[:min(len(agreed), mostChanges)] {
		text := fmt.Sprintf("Revision %d: %s", c.Rev, cmp.Or(c.Note, "changed"))
		out = append(out, sourceChange{text, c.By, c.At, c.Rev, c.Current, c.Changed})
	}
	for _, c := range keys[:min(len(keys), mostChanges)] {
		out = append(out, sourceChange{Text: c.Note, By: c.By.Name, At: c.At})
	}
	slices.SortStableFunc(out, func(a, b sourceChange) int { return b.At.Compare(a.At) })
	return out[:min(len(out), mostChanges)], nil
}

// currentRev is the revision that a page shows as in force.
func currentRev(list []sourceChange) string {
	for _, c := range list {
		if c.Current {
			return strconv.Itoa(c.Rev)
		}
	}
	return ""
}

// diffLook is how a line of a diff is shown, and diffSays what it is for those
// who do not see that.
func diffLook(l book.Line) string {
	return map[string]string{"+": "diff-in", "-": "diff-out", " ": "diff-as"}[l.Sign]
}

func diffSays(l book.Line) string {
	return map[string]string{"+": "added: ", "-": "left out: ", " ": ""}[l.Sign]
}

// restoreSource makes an earlier revision of what is agreed the newest.
func (s *site) restoreSource(w http.ResponseWriter, r *http.Request, v View) error {
	name := r.PathValue("name")
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "The form is incomplete. Load the page again.").At("rev").Because(err)
	}
	base, err := whole(r.PostFormValue("base"), "base")
	if err != nil {
		return err
	}
	if err := ingest.RestoreSource(r.Context(), s.Sources, v.Actor(), name, rev, base, v.Now); err != nil {
		return err
	}
	http.Redirect(w, r, "/sources/"+name, http.StatusSeeOther)
	return nil
}
