package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"cairn/internal/store/sqlstore"
	"cairn/internal/store/storetest"
)

// What a page or a turn reads must not grow with the history of everybody
// else. SQLite knows no statistics here, and now and then starts from the
// wrong end of a join: this test looks at how it would run what it was asked.
func TestNoStatementGoesThroughTheHistoryOfEverybody(t *testing.T) {
	asked := &record{statements: map[string]bool{}}
	open := func(t testing.TB) *sqlstore.Store { return openRecorded(t, t.TempDir(), asked) }
	for _, part := range []func(*testing.T, storetest.Opener){storetest.Accounts, storetest.Work, storetest.Sources, storetest.Turns} {
		part(t, open)
	}
	dir := t.TempDir()
	openIn(t, dir)
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, File), true))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if len(asked.statements) < 50 {
		t.Fatalf("only %d statements were seen: the recorder is not in the way", len(asked.statements))
	}
	for text := range asked.statements {
		for _, step := range plan(t, db, text) {
			if whole(step, text) && !excused(text) {
				t.Errorf("%s:\n%s", step, text)
			}
		}
	}
}

// history are the tables that grow with what happens. Rejects are capped.
var history = []string{"event", "admitted", "tally", "timeline", "fact", "record", "token", "member", "stream", "stream_person", "scored"}

// excused are the functions that are meant to go through all of it: rebuilds.
func excused(text string) bool { return strings.Contains(text, "/* stages.") }

var (
	named   = regexp.MustCompile(`(?i)\b(?:from|join)\s+(\w+)(?:\s+(\w+))?`)
	scanned = regexp.MustCompile(`^SCAN (\w+)`)
	ofAll   = regexp.MustCompile(`^SEARCH (\w+) USING .*\(gen=\?\)$`)
)

// whole reports whether a step of a plan goes through a table of history, or
// through a whole generation of one.
func whole(step, text string) bool {
	m := scanned.FindStringSubmatch(step)
	if m == nil {
		m = ofAll.FindStringSubmatch(step)
	}
	if m == nil {
		return false
	}
	for _, n := range named.FindAllStringSubmatch(text, -1) {
		if (n[1] == m[1] || n[2] == m[1]) && slices.Contains(history, n[1]) {
			return true
		}
	}
	return false
}

// plan returns the steps in which SQLite would run a statement.
func plan(t *testing.T, db *sql.DB, text string) []string {
	t.Helper()
	args := slices.Repeat([]any{1}, strings.Count(text, "?")) // engine.Insert numbers none
	for n := 1; regexp.MustCompile(fmt.Sprintf(`\$%d\b`, n)).MatchString(text); n++ {
		args = append(args, 1)
	}
	rows, err := db.Query("explain query plan "+text, args...)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		out = append(out, step)
	}
	return out
}

// openRecorded opens a workspace that writes down what it asks.
func openRecorded(t testing.TB, dir string, asked *record) *sqlstore.Store {
	t.Helper()
	openIn(t, dir).Close() // makes the files, with the schema
	writes, reads := recorded(t, dsn(filepath.Join(dir, File), false), asked), recorded(t, dsn(filepath.Join(dir, File), true), asked)
	writes.SetMaxOpenConns(1)
	s, err := sqlstore.Open(context.Background(), reads, writes, engine{}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func recorded(t testing.TB, name string, asked *record) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", name)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return sql.OpenDB(connector{db.Driver(), name, asked})
}

// A record is what was asked of the database.
type record struct {
	mu         sync.Mutex
	statements map[string]bool
}

func (r *record) note(text string) {
	first := strings.ToLower(strings.TrimSpace(comment.ReplaceAllString(text, "")))
	if !slices.ContainsFunc([]string{"select", "insert", "update", "delete"}, func(verb string) bool { return strings.HasPrefix(first, verb) }) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements[text] = true
}

var comment = regexp.MustCompile(`(?s)/\*.*?\*/`)

type connector struct {
	driver driver.Driver
	name   string
	asked  *record
}

func (c connector) Driver() driver.Driver { return c.driver }

func (c connector) Connect(context.Context) (driver.Conn, error) {
	conn, err := c.driver.Open(c.name)
	if err != nil {
		return nil, err
	}
	return recordedConn{conn.(allOfAConn), c.asked}, nil
}

type allOfAConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
}

type recordedConn struct {
	allOfAConn
	asked *record
}

func (c recordedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.asked.note(text)
	return c.allOfAConn.PrepareContext(ctx, text)
}

func (c recordedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.asked.note(text)
	return c.allOfAConn.ExecContext(ctx, text, args)
}

func (c recordedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.asked.note(text)
	return c.allOfAConn.QueryContext(ctx, text, args)
}
