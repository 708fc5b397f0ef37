package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/store/storetest"
)

func TestAWorkerAnswersHealthChecksAndFollowsTheBook(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	cfg := config.Config{Database: storetest.PostgresURL(t), Health: freeAddress(t)}
	a, err := New(t.Context(), cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Work(ctx) }()
	within := func(what string, is func() bool) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("not within 20 seconds: %s", what)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		within(path, func() bool {
			resp, err := http.Get("http://" + cfg.Health + path)
			if err != nil {
				return false
			}
			resp.Body.Close()
			return resp.StatusCode == http.StatusOK
		})
	}

	// What another node writes into the book is in force here.
	other, err := New(t.Context(), config.Config{Database: cfg.Database}, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	pages, err := other.Store.Pages(t.Context(), "settings")
	if err != nil || len(pages) == 0 {
		t.Fatal(pages, err)
	}
	var body map[string]any
	if err := json.Unmarshal(pages[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	body["currency"] = "CHF"
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Store.Write(t.Context(), cairn.House, "settings", pages[0].Rev, b, "", time.Now()); err != nil {
		t.Fatal(err)
	}
	within("the worker knows the currency", func() bool { return a.Store.Settings().Currency == "CHF" })

	// A command leaves the stages to the worker, which gives them back at its end.
	standing, err := other.Standing(t.Context())
	if err != nil || len(standing.Nodes) != 1 || standing.Nodes[0].Kind != "work" || standing.Nodes[0].Partitions != cairn.Partitions {
		t.Errorf("nodes are %+v, %v", standing.Nodes, err)
	}
	if err := other.settleAlone(t.Context()); err != nil {
		t.Error(err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	standing, err = other.Standing(t.Context())
	if err != nil || len(standing.Nodes) != 1 || standing.Nodes[0].Name != "" || standing.Nodes[0].Partitions != cairn.Partitions {
		t.Errorf("when the worker is gone nodes are %+v, %v", standing.Nodes, err)
	}
}

func TestTheStagesOfAnEmbeddedDatabaseAreTheServers(t *testing.T) {
	cfg := config.Config{Data: t.TempDir()}
	if err := RunWorker(t.Context(), cfg, slog.New(slog.DiscardHandler)); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a worker gives %v", err)
	}
	cfg.NoWork = true
	if err := Run(t.Context(), cfg, slog.New(slog.DiscardHandler)); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a server without work gives %v", err)
	}
	cfg = config.Config{Database: "postgres://x@127.0.0.1:1/x", NoWork: true, Demo: true}
	if err := Run(t.Context(), cfg, slog.New(slog.DiscardHandler)); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a demo without work gives %v", err)
	}
}
