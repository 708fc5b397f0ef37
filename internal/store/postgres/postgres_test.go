package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cairn/internal/store/sqlstore"
	"cairn/internal/store/storetest"
)

func TestPostgreSQLKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(t testing.TB) *sqlstore.Store {
		s, err := Open(context.Background(), storetest.PostgresURL(t), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	})
}

func TestNodesThatStartTogetherMigrateOneAfterTheOther(t *testing.T) {
	address := storetest.PostgresURL(t)
	opened := make(chan error)
	const nodes = 4
	for range nodes {
		go func() {
			s, err := Open(t.Context(), address, slog.New(slog.DiscardHandler))
			if err == nil {
				err = s.Close()
			}
			opened <- err
		}()
	}
	for range nodes {
		if err := <-opened; err != nil {
			t.Error(err)
		}
	}
}

// The schema that all migrations end in can be read in schema.txt.
func TestTheSchemaIsTheOneThatIsWrittenDown(t *testing.T) {
	url := storetest.PostgresURL(t)
	s, err := Open(context.Background(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var got strings.Builder
	for _, q := range []string{
		`select format('%s.%s %s%s', table_name, column_name, data_type, case when is_nullable = 'NO' then ' not null' else '' end)
			from information_schema.columns where table_schema = 'public' order by table_name, ordinal_position`,
		`select indexdef from pg_indexes where schemaname = 'public' order by tablename, indexname`,
	} {
		rows, err := db.Query(q)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var line string
			if err := rows.Scan(&line); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&got, line)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	storetest.Written(t, "schema.txt", got.String())
}

func TestACommitOnOneNodeWakesAnother(t *testing.T) {
	url := storetest.PostgresURL(t)
	open := func() *sqlstore.Store {
		s, err := Open(context.Background(), url, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	one, two := open(), open()
	woken := two.Bell("log")
	for n := 0; ; n++ { // until the other listens
		if _, err := storetest.Fill(one, 10*(n+1)); err != nil {
			t.Fatal(err)
		}
		select {
		case <-woken:
			return
		case <-time.After(200 * time.Millisecond):
		}
		if n == 100 {
			t.Fatal("the other node was not woken in 20 seconds")
		}
	}
}

func TestTheFeedLosesNothingThatOtherNodesWrite(t *testing.T) {
	url := storetest.PostgresURL(t)
	open := func() *sqlstore.Store {
		s, err := Open(context.Background(), url, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	storetest.FeedWhileWritten(t, open(), open(), open(), open())
}
