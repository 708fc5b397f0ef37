package api

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/ingest"
	"cairn/internal/reply"
)

// Bounds of the change feed.
const (
	feedLimit = 10_000           // events of one answer
	feedWait  = 60 * time.Second // that an answer waits for the next event
	feedLook  = 5 * time.Second  // after which it looks by itself, if no bell rings
)

// Accounts finds the account that somebody means by an id, a key, a domain or
// a name.
type Accounts interface {
	Find(ctx context.Context, scope cairn.Scope, text string) (cairn.AccountID, error)
}

// Feed serves everything that is in the log, in order, to programs that follow
// it. Requests that wait end when stopping does.
func Feed(feed event.Feed, accounts Accounts, keys ingest.Keys, stopping context.Context, log *slog.Logger) http.Handler {
	f := feeder{feed: feed, accounts: accounts, keys: keys, stopping: stopping}
	return reply.Handler(log, f.serve)
}

type feeder struct {
	feed     event.Feed
	accounts Accounts
	keys     ingest.Keys
	stopping context.Context
}

// A fed is an event as the feed writes it.
type fed struct {
	ID         cairn.EventID   `json:"id"`
	Position   string          `json:"position"`
	Source     string          `json:"source"`
	Type       cairn.EventKind `json:"type"`
	Name       string          `json:"name"`
	At         time.Time       `json:"at"`
	Seen       time.Time       `json:"seen"`
	Account    *named          `json:"account"` // null: nobody's yet
	Person     *named          `json:"person,omitempty"`
	Visitor    *named          `json:"visitor,omitempty"`
	Record     *named          `json:"record,omitempty"`
	Product    string          `json:"product,omitempty"`
	Count      int64           `json:"count"`
	Properties json.RawMessage `json:"properties"`
	Personal   json.RawMessage `json:"personal,omitempty"`
}

// A named is the id of something and, where it may be told, what its sender
// calls it.
type named struct {
	ID  string `json:"id"`
	Key string `json:"key,omitempty"`
}

func fedOf(e event.Fed) fed {
	out := fed{
		ID: e.ID, Position: e.Pos.String(), Source: e.Source, Type: e.Kind, Name: e.Name, At: e.At, Seen: e.Seen,
		Product: e.Product, Count: max(e.N, 1), Properties: e.Props, Personal: e.Personal,
	}
	if out.Properties == nil {
		out.Properties = json.RawMessage("{}")
	}
	switch {
	case !e.Owner.IsZero():
		out.Account = &named{e.Owner.String(), e.OwnerKey}
	case !e.Account.IsZero():
		out.Account = &named{e.Account.String(), e.Keys.Account}
	}
	for _, x := range []struct {
		to  **named
		id  cairn.ID
		key string
	}{
		{&out.Person, e.Person.ID, e.Keys.Person}, {&out.Visitor, e.Anon.ID, e.Keys.Anonymous + e.Keys.Previous},
	} {
		if !x.id.IsZero() {
			*x.to = &named{x.id.String(), x.key}
		}
	}
	if e.Kind.IsRecord() && e.Kind != cairn.OfAccount && e.Kind != cairn.OfPerson {
		out.Record = &named{e.Record.String(), e.Keys.Record}
	}
	return out
}

// A feedEnd is the last line of an answer, and what stands beside the events
// of a page.
type feedEnd struct {
	Cursor string `json:"cursor"`
	More   bool   `json:"more"` // there is more now: ask again at once
	// Events on the way to the cursor that nobody can read any more, because an
	// end was set for them; of a narrowed feed as many at most.
	Dropped int64 `json:"dropped,omitempty"`
}

func (f feeder) serve(w http.ResponseWriter, r *http.Request) error {
	g, err := grant(f.keys, r, headerKey(r), ingest.MayRead)
	if err != nil {
		return err
	}
	q, wait, err := f.query(r)
	if err != nil {
		return err
	}
	if q.Personal {
		if err := g.Key.May(ingest.MayReadPersonal); err != nil {
			return err
		}
	}
	page, err := f.wait(r.Context(), q, wait)
	if err != nil {
		return err
	}
	end := feedEnd{page.Cursor.String(), page.More, page.Dropped}
	w.Header().Set("Cache-Control", "no-store")
	if page.Dropped > 0 {
		w.Header().Set("Cairn-Dropped", strconv.FormatInt(page.Dropped, 10))
	}
	if wantsPage(r) {
		events := make([]fed, len(page.Events))
		for i, e := range page.Events {
			events[i] = fedOf(e)
		}
		reply.JSON(w, http.StatusOK, struct {
			Events []fed `json:"events"`
			feedEnd
		}{events, end})
		return nil
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	var b bytes.Buffer
	for _, e := range page.Events {
		if err := ndjson(&b, fedOf(e)); err != nil {
			return err
		}
		if b.Len() > 64<<10 {
			w.Write(b.Bytes()) // the reader may be gone: it asks again with the cursor it has
			b.Reset()
		}
	}
	if err := ndjson(&b, end); err != nil {
		return err
	}
	w.Write(b.Bytes())
	return nil
}

// wantsPage reports whether one JSON object is asked for instead of lines.
func wantsPage(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return strings.Contains(accept, "application/json") && !strings.Contains(accept, "ndjson")
}

// wait returns the next page; where there is nothing it waits for the bell.
func (f feeder) wait(ctx context.Context, q event.FeedQuery, wait time.Duration) (event.FeedPage, error) {
	bell, let := f.feed.Hear("log") // before looking, or a commit in between is not heard
	defer let()
	end := time.NewTimer(wait)
	defer end.Stop()
	for {
		page, err := f.feed.Feed(ctx, cairn.Everything, q)
		if err != nil || len(page.Events) > 0 || page.Dropped > 0 || page.More || wait <= 0 {
			return page, err
		}
		q.After = page.Cursor // a filter may have left out what was there
		select {
		case <-bell:
		case <-time.After(feedLook):
		case <-end.C:
			return page, nil
		case <-f.stopping.Done():
			return page, nil
		case <-ctx.Done():
			return page, ctx.Err()
		}
	}
}

// feedParameters are all that the feed takes; others are refused, so that a
// slip of the pen does not send everything.
var feedParameters = map[string]bool{
	"cursor": true, "limit": true, "wait": true, "source": true, "type": true, "kind": true, "name": true, "account": true, "since": true, "personal": true,
}

// query reads the parameters.
func (f feeder) query(r *http.Request) (q event.FeedQuery, wait time.Duration, err error) {
	u := r.URL.Query()
	for name := range u {
		if !feedParameters[name] {
			return q, 0, cairn.Errorf(cairn.Invalid, "There is no parameter %q: cursor, limit, wait, source, type, name, account, since and personal are.", name).At(name)
		}
	}
	q = event.FeedQuery{Source: u.Get("source"), Kind: cairn.EventKind(u.Get("type") + u.Get("kind")), Name: u.Get("name")}
	if q.After, err = f.cursor(r.Context(), u.Get("cursor")); err != nil {
		return q, 0, err
	}
	if q.Limit, err = number(u, "limit", 1000, feedLimit); err != nil {
		return q, 0, err
	}
	if text := u.Get("account"); text != "" {
		if q.Account, err = f.accounts.Find(r.Context(), cairn.Everything, text); err != nil {
			return q, 0, err
		}
	}
	if text := u.Get("since"); text != "" {
		if q.Since, err = time.Parse(time.RFC3339, text); err != nil {
			if q.Since, err = time.Parse(time.DateOnly, text); err != nil {
				return q, 0, cairn.Errorf(cairn.Invalid, "A time such as 2026-03-01T12:00:00Z or a day such as 2026-03-01 is needed.").At("since")
			}
		}
	}
	switch u.Get("personal") {
	case "", "0", "false":
	case "1", "true":
		q.Personal = true
	default:
		return q, 0, cairn.Errorf(cairn.Invalid, "It is 1 or absent.").At("personal")
	}
	wait, err = duration(u.Get("wait"))
	return q, wait, err
}

// cursor reads where to begin: after a cursor, at the start, or at the end.
func (f feeder) cursor(ctx context.Context, text string) (event.Cursor, error) {
	switch text {
	case "":
		return event.Cursor{}, nil
	case "end":
		ends, err := f.feed.Ends(ctx)
		return event.Cursor(ends), err
	}
	return event.ParseCursor(text)
}

// number reads a whole number from 1 to most.
func number(u url.Values, name string, usual, most int) (int, error) {
	text := u.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, cairn.Errorf(cairn.Invalid, "It must be a whole number from 1 to %d.", most).At(name)
	}
	return n, nil
}

// duration reads how long to wait: 30s, or a number of seconds.
func duration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if n, nerr := strconv.Atoi(text); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < 0 || d > feedWait {
		return 0, cairn.Errorf(cairn.Invalid, "It must be a time of at most %s, such as 30s.", "60s").At("wait")
	}
	return d, nil
}
