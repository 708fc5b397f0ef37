package storetest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// PostgresURL makes an empty database of its own for t in the cluster that
// CAIRN_TEST_POSTGRES names (PostgreSQL 15 or later, a role that may create
// databases) and returns its address. The database is dropped when t ends.
// Without a cluster t fails: ./test brings one.
func PostgresURL(t testing.TB) string {
	t.Helper()
	cluster := os.Getenv("CAIRN_TEST_POSTGRES")
	if cluster == "" {
		t.Fatal("CAIRN_TEST_POSTGRES is not set: this test needs a PostgreSQL 15 or later, as postgres://user@host:port/postgres. ./test starts one.")
	}
	u, err := url.Parse(cluster)
	if err != nil {
		t.Fatalf("CAIRN_TEST_POSTGRES is not an address: %v", err)
	}
	name := "cairn_test_" + strings.ToLower(rand.Text())
	administer(t, cluster, "create database "+name+" template template0")
	t.Cleanup(func() { administer(t, cluster, "drop database if exists "+name+" with (force)") })
	u.Path = "/" + name
	return u.String()
}

// administer performs one statement on the cluster's own database.
func administer(t testing.TB, cluster, statement string) {
	t.Helper()
	// The test's own context has ended when its database is dropped.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, cluster)
	if err != nil {
		t.Fatalf("the PostgreSQL of CAIRN_TEST_POSTGRES cannot be reached: %v", err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
