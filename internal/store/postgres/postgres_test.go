package postgres

import (
	"context"
	"log/slog"
	"testing"

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
