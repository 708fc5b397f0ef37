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
