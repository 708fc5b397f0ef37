package bench

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/config"
	"cairn/internal/ingest"
	"cairn/internal/signal"
)

// A server is another process of this program, on a data directory that is
// removed at the end, or on a database.
type server struct {
	url  string
	key  string
	cfg  config.Config
	cmd  *exec.Cmd
	dir  string
	link *app.Link
	err  *os.File
}

func cores() int { return runtime.GOMAXPROCS(0) }

// startServer starts cairn serve and waits until it answers. A database must
// be empty or of earlier measuring.
func startServer(ctx context.Context, database string) (*server, error) {
	s, err := newServer(database)
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// newServer makes the directory of a server that is to be started.
func newServer(database string) (s *server, err error) {
	s = &server{}
	if s.dir, err = os.MkdirTemp("", "cairn-bench-"); err != nil {
		return nil, err
	}
	addr, err := freeAddress()
	if err != nil {
		s.stop()
		return nil, err
	}
	s.url = "http://" + addr
	s.cfg = config.Config{Listen: addr, LogLevel: slog.LevelWarn, Database: database}
	if database == "" {
		s.cfg.Data = filepath.Join(s.dir, "data")
	}
	return s, nil
}

// start starts the server and waits until it answers.
func (s *server) start(ctx context.Context) error {
	args := []string{"serve", "--listen", s.cfg.Listen, "--log-level", "warn"}
	if s.cfg.Database != "" {
		args = append(args, "--database", s.cfg.Database)
	} else {
		args = append(args, "--data", s.cfg.Data)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if s.err, err = os.Create(filepath.Join(s.dir, "log")); err != nil {
		return err
	}
	s.cmd = exec.Command(self, args...)
	s.cmd.Stderr = s.err
	s.cmd.Env = append(os.Environ(), "CAIRN_CONFIG=", "CAIRN_DATA=", "CAIRN_DATABASE=")
	if err := s.cmd.Start(); err != nil {
		return err
	}
	if err := s.ready(ctx); err != nil {
		return err
	}
	log := slog.New(slog.DiscardHandler)
	if s.link, err = app.Dial(ctx, s.cfg.OrDefault(), "cairn bench", log); err != nil {
		return err
	}
	made, err := app.Call(ctx, s.link, app.SourceKeyAdd, ingest.Key{Source: "bench", Scopes: []ingest.KeyScope{ingest.MayWrite}}, nil)
	s.key = made.Text
	return err
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

func (s *server) ready(ctx context.Context) error {
	for begun := time.Now(); time.Since(begun) < time.Minute && ctx.Err() == nil; {
		if resp, err := http.Get(s.url + "/readyz"); err == nil {
			io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		wait(ctx, 50*time.Millisecond)
	}
	text, _ := os.ReadFile(s.err.Name())
	return cairn.Errorf(cairn.Unavailable, "The server to be measured did not start: %.500s", text)
}

// stop ends the server and removes its directory.
func (s *server) stop() {
	if s.link != nil {
		s.link.Close()
	}
	if s.cmd != nil && s.cmd.Process != nil {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.cmd.Wait()
	}
	if s.err != nil {
		s.err.Close()
	}
	os.RemoveAll(s.dir)
}

// settled waits until no stage has anything left to do.
func (s *server) settled(ctx context.Context) error {
	for ctx.Err() == nil {
		standing, err := app.Call(ctx, s.link, app.Standings, app.None{}, nil)
		if err != nil {
			return err
		}
		left := int64(0)
		for _, st := range standing.Stages {
			left += st.Lag
		}
		if left == 0 {
			return nil
		}
		wait(ctx, 100*time.Millisecond)
	}
	return ctx.Err()
}

// stored is the number of events in the log.
func (s *server) stored(ctx context.Context) (int64, error) {
	standing, err := app.Call(ctx, s.link, app.Standings, app.None{}, nil)
	for _, st := range standing.Stages {
		if st.Name == signal.StageName {
			return st.Position + st.Lag, err
		}
	}
	return 0, err
}

// size is how much disk the database takes.
func (s *server) size(ctx context.Context) (n int64, err error) {
	if s.cfg.Database != "" {
		db, err := sql.Open("pgx", s.cfg.Database)
		if err != nil {
			return 0, err
		}
		defer db.Close()
		err = db.QueryRowContext(ctx, `select pg_database_size(current_database())`).Scan(&n)
		return n, err
	}
	files, err := filepath.Glob(filepath.Join(s.cfg.Data, "cairn.db"))
	for _, f := range files {
		if st, err := os.Stat(f); err == nil {
			n += st.Size()
		}
	}
	return n, err
}

// cpu is the time that the server's process has run. It is not that of a
// PostgreSQL beside it.
func (s *server) cpu() time.Duration {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
	_, rest, _ := strings.Cut(string(text), ") ")
	f := strings.Fields(rest)
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond // of 100 ticks a second
}

// written is how many bytes the server's process handed to the disk.
func (s *server) written() int64 { return s.field("io", "write_bytes:") }

// memory is what the server's process has in memory, in bytes.
func (s *server) memory() int64 { return s.field("status", "VmRSS:") << 10 }

func (s *server) field(file, name string) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/%s", s.cmd.Process.Pid, file))
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, name); ok {
			n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return n
		}
	}
	return 0
}
