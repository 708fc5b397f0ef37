package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/auth"
	"cairn/internal/ingest"
	"cairn/internal/keep"
	"cairn/internal/model"
	"cairn/internal/outcome"
	"cairn/internal/payment"
	"cairn/internal/portfolio"
	"cairn/internal/revenue"
	"cairn/internal/usage"
)

// A Progress is how far a long operation has come.
type Progress struct {
	What string `json:"what"`           // as a sentence's subject: "Reading events.csv"
	Done int64  `json:"done"`           // in Unit
	Of   int64  `json:"of"`             // 0: not known
	Unit string `json:"unit,omitempty"` // such as "events"
}

// An Op is one thing that a command asks of a Cairn. It runs in the process
// that has the store open: the running server, or the command itself when
// none runs. In and Out travel as JSON and must survive that; errors travel
// as cairn.Error without their cause.
type Op[In, Out any] struct {
	Name string
	// Do may call say, which is never nil, as it goes. It stops soon after
	// ctx ends.
	Do func(ctx context.Context, h House, in In, say func(Progress)) (Out, error)
}

// A House is what operations work on: the parts of an open Cairn.
type House struct {
	Version   string
	Accounts  account.Store
	Explain   account.Explainer
	Past      account.Historian
	Identity  account.Identity
	Users     Users
	People    People
	Decisions interface {
		Decisions(ctx context.Context, scope cairn.Scope, id cairn.AccountID) ([]cairn.Decision, error)
	}
	Sources ingest.Sources
	Rejects *ingest.Mender
	Door    Door
	Stages  Stages
	Memos   Memos
	Demo    Demonstration
	Usage   *usage.Service
	Model   *model.Service
	Diff    Differ

	Portfolio *portfolio.Service
	Keep      *keep.Service
	Revenue   *revenue.Service
	Renewals  *outcome.Renewals

	Losses  *outcome.Losses
	Members interface {
		Users(ctx context.Context) ([]auth.User, error)
	}
	Payments *payment.Service

	Opportunities *outcome.Opportunities

	Now  func() time.Time
	Zone func() *time.Location // the workspace's; nil: UTC
}

// Users can be added.
type Users interface {
	AddUser(ctx context.Context, by cairn.Actor, mail, name, password string, admin bool) (auth.User, error)
}

// A Door admits records, or says what it would make of them.
type Door interface {
	Admit(ctx context.Context, src ingest.Source, records []ingest.Record) ([]ingest.Verdict, error)
	Check(ctx context.Context, src ingest.Source, records []ingest.Record) ([]ingest.Verdict, error)
}

// Stages are the derivations and how far they have come.
type Stages interface {
	Standing(ctx context.Context) (Standing, error)
	// Rebuild folds a stage from the start of the log into a new generation
	// and swaps it in. It decides nothing. cairn.NotFound names the stages
	// there are.
	Rebuild(ctx context.Context, stage string, say func(done, of int64)) error
}

// A Standing is how the stages and the queues to the writer stand.
type Standing struct {
	Stages []Stage     `json:"stages"`
	Nodes  []Node      `json:"nodes"`
	Lanes  []Lane      `json:"lanes"`
	Room   keep.Status `json:"room"` // on the disk, and within the quota
}

// A Node is one process among those that share the database, of the last ten
// minutes. One without a name stands for what nobody holds.
type Node struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`  // serve, work or command
	Works      bool      `json:"works"` // runs the stages
	Alive      bool      `json:"alive"`
	Since      time.Time `json:"since"`
	Silent     float64   `json:"silent_s"`   // since it was last heard of
	Partitions int       `json:"partitions"` // of 64, that it holds
	Lag        int64     `json:"lag"`        // events in them that are not folded
	Turns      int       `json:"turns"`      // accounts that it has leased
}

// A Stage is how one stage stands: its position is the number of events (or
// accounts) behind its cursor, its lag the number of those before it.
type Stage struct {
	Name     string `json:"name"`
	Unit     string `json:"unit"` // "events" or "accounts"
	Position int64  `json:"position"`
	Lag      int64  `json:"lag"`
	Growing  bool   `json:"growing"` // a rebuild is under way
}

// A Lane is how one queue to the writer has fared since the start.
type Lane struct {
	Name    string  `json:"name"`
	Count   int64   `json:"count"` // transactions
	Queued  int     `json:"queued"`
	Waited  float64 `json:"waited_ms"`  // mean wait for the writer
	Held    float64 `json:"held_ms"`    // mean time a transaction held it
	Longest float64 `json:"longest_ms"` // longest that one held it
}

// An operation is an Op whose types are hidden, for the table of them all.
type operation interface {
	name() string
	do(ctx context.Context, h House, in []byte, say func(Progress)) (json.RawMessage, error)
}

func (op Op[In, Out]) name() string { return op.Name }

func (op Op[In, Out]) do(ctx context.Context, h House, b []byte, say func(Progress)) (json.RawMessage, error) {
	var in In
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	d.UseNumber() // amounts in records stay exact
	if err := d.Decode(&in); err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The running server does not understand this command: it is another version of Cairn. Restart it with this one.").Because(err)
	}
	out, err := op.Do(ctx, h, in, say)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// A Link is a way to the Cairn that a configuration names: through the socket
// of its running server, or opened by this process.
type Link struct {
	client *client
	house  House
	close  func() error
}

// Call performs op through l. Say may be nil.
func Call[In, Out any](ctx context.Context, l *Link, op Op[In, Out], in In, say func(Progress)) (Out, error) {
	if say == nil {
		say = func(Progress) {}
	}
	if l.client == nil {
		return op.Do(ctx, l.house, in, say)
	}
	var out Out
	b, err := json.Marshal(in)
	if err != nil {
		return out, err
	}
	answer, err := l.client.call(ctx, op.Name, b, say)
	if err != nil {
		return out, err
	}
	return out, json.Unmarshal(answer, &out)
}

// Remote reports whether a running server does the work.
func (l *Link) Remote() bool { return l.client != nil }

// Close ends the link, and closes the store when this process opened it.
func (l *Link) Close() error { return l.close() }

// patience is how long a command waits for a data directory that somebody
// holds without serving its socket: a server that is starting or stopping, or
// another command.
const patience = 5 * time.Second

// Connect returns a link to the server on a data directory, or takes its lock
// as holder and opens the store with open.
func Connect(ctx context.Context, dir, holder string, open func() (House, func() error, error)) (*Link, error) {
	lock, err := lockPatiently(ctx, dir, holder, func() bool { return served(ctx, dir) })
	if err != nil {
		return nil, err
	}
	if lock == nil {
		return &Link{client: newClient(dir), close: func() error { return nil }}, nil
	}
	h, closeStore, err := open()
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return &Link{house: h, close: func() error { return errors.Join(closeStore(), lock.Release()) }}, nil
}

// lockPatiently takes the lock of the directory. It gives up with a nil lock
// as soon as enough says so, and with who holds it when patience ends.
func lockPatiently(ctx context.Context, dir, holder string, enough func() bool) (*Lock, error) {
	end := time.Now().Add(patience)
	for {
		lock, err := LockDir(dir, holder)
		if err == nil || cairn.KindOf(err) != cairn.Conflict {
			return lock, err
		}
		if enough() {
			return nil, nil
		}
		if time.Now().After(end) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// served reports whether a server answers on the directory's socket.
func served(ctx context.Context, dir string) bool {
	c, err := dial(ctx, dir)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

// Serve runs a server on a data directory: it takes the lock, opens, answers
// commands on the socket beside serve, and closes when ctx ends or serve
// returns. A directory that another server serves is refused at once.
func ServeDir(ctx context.Context, dir string, log *slog.Logger, open func() (House, func() error, error), serve func(context.Context) error) error {
	lock, err := lockPatiently(ctx, dir, "cairn serve", func() bool { return served(ctx, dir) })
	if err != nil {
		return err
	}
	if lock == nil {
		return cairn.Errorf(cairn.Conflict, "A server runs on the data directory %s already.", dir).At("data")
	}
	defer lock.Release()
	h, closeStore, err := open()
	if err != nil {
		return err
	}
	l, err := ListenSocket(dir)
	if err != nil {
		return errors.Join(err, closeStore())
	}
	ctx, cancel := context.WithCancel(ctx)
	socket := make(chan error, 1)
	go func() {
		defer cancel()
		socket <- serveSocket(ctx, l, h, log)
	}()
	err = serve(ctx)
	cancel()
	return errors.Join(err, <-socket, closeStore())
}
