package storetest

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestEachTestGetsAnEmptyPostgresOfItsOwn(t *testing.T) {
	ctx := t.Context()
	var addr string
	t.Run("one", func(t *testing.T) {
		addr = PostgresURL(t)
		c := connect(t, ctx, addr)
		if _, err := c.Exec(ctx, "create table mine (n int)"); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("dropped", func(t *testing.T) {
		if c, err := pgx.Connect(ctx, addr); err == nil {
			c.Close(ctx)
			t.Error("the database is still there")
		}
	})
	t.Run("another", func(t *testing.T) {
		var version, tables int
		c := connect(t, ctx, PostgresURL(t))
		if err := c.QueryRow(ctx, "select current_setting('server_version_num')::int").Scan(&version); err != nil {
			t.Fatal(err)
		}
		if version < 150000 {
			t.Errorf("server version %d, want 15 or later", version)
		}
		if err := c.QueryRow(ctx, "select count(*) from pg_tables where schemaname = 'public'").Scan(&tables); err != nil || tables != 0 {
			t.Errorf("%d tables, %v, want none", tables, err)
		}
	})
}

func connect(t *testing.T, ctx context.Context, addr string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(ctx, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}
