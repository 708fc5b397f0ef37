package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"cairn"
)

// SocketName is where a running server listens for commands, in its data
// directory. Its mode is 0600: whoever may open it is the operator.
const SocketName = "cairn.sock"

// maxSocketPath is what a socket address holds on every system we run on
// (108 bytes on Linux, 104 on BSD and macOS, with a closing zero).
const maxSocketPath = 103

// An answer is one line of what the socket sends back: any number of lines
// with progress, then one with either Out or Error.
type answer struct {
	Progress *Progress       `json:"progress,omitempty"`
	Out      json.RawMessage `json:"out,omitempty"`
	Error    *problem        `json:"error,omitempty"`
}

// A problem is a cairn.Error on its way through the socket. The cause stays
// in the server's log.
type problem struct {
	Kind  cairn.Kind `json:"kind"`
	Field string     `json:"field,omitempty"`
	Text  string     `json:"text"`
}

// ListenSocket makes the socket in the data directory, whose lock the caller
// holds, in place of one that a killed server left.
func ListenSocket(dir string) (net.Listener, error) {
	// It is born in a directory of its own that nobody else may enter, given
	// its mode, and only then moved to its place: at no moment can others
	// connect.
	nest, err := os.MkdirTemp(dir, ".sock-")
	if err != nil {
		return nil, socketError(err)
	}
	defer os.RemoveAll(nest)
	short, undo, err := shorten(nest)
	if err != nil {
		return nil, socketError(err)
	}
	defer undo()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: filepath.Join(short, "s")})
	if err != nil {
		return nil, socketError(err)
	}
	l.SetUnlinkOnClose(false)
	born, path := filepath.Join(nest, "s"), filepath.Join(dir, SocketName)
	if err := errors.Join(os.Chmod(born, 0o600), os.Rename(born, path)); err != nil {
		l.Close()
		return nil, socketError(err)
	}
	return &socket{l, path}, nil
}

func socketError(err error) error {
	return cairn.Errorf(cairn.Unavailable, "The socket for commands cannot be made in the data directory.").At("data").Because(err)
}

// A socket removes its file when it closes.
type socket struct {
	net.Listener
	path string
}

func (s *socket) Close() error {
	return errors.Join(os.Remove(s.path), s.Listener.Close())
}

// shorten returns a path to dir that leaves room for a socket's name in a
// socket address: dir itself, or a symbolic link to it in the directory for
// temporary files. Undo removes the link; a socket stays reachable without.
func shorten(dir string) (short string, undo func(), err error) {
	if len(dir)+1+len(SocketName) <= maxSocketPath {
		return dir, func() {}, nil
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", nil, err
	}
	tmp, err := os.MkdirTemp("", "cairn-")
	if err != nil {
		return "", nil, err
	}
	short = filepath.Join(tmp, "d")
	if err := os.Symlink(abs, short); err != nil {
		os.RemoveAll(tmp)
		return "", nil, err
	}
	return short, func() { os.RemoveAll(tmp) }, nil
}

// errNoServer says that nobody listens on the socket.
var errNoServer = errors.New("no server listens on the socket")

// dial connects to the server of a data directory.
func dial(ctx context.Context, dir string) (net.Conn, error) {
	short, undo, err := shorten(dir)
	if err != nil {
		return nil, err
	}
	defer undo()
	var d net.Dialer
	c, err := d.DialContext(ctx, "unix", filepath.Join(short, SocketName))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, errNoServer
	}
	return c, err
}

// Handler answers POST /op/NAME for every operation, on h.
func Handler(h House, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	for _, op := range operations() {
		mux.HandleFunc("POST /op/"+op.name(), func(w http.ResponseWriter, r *http.Request) {
			serveOp(w, r, h, op, log)
		})
	}
	return mux
}

func serveOp(w http.ResponseWriter, r *http.Request, h House, op operation, log *slog.Logger) {
	w.Header().Set("Content-Type", "application/x-ndjson")
	line := json.NewEncoder(w)
	flush := http.NewResponseController(w)
	last := answer{}
	in, err := io.ReadAll(r.Body)
	if err == nil {
		last.Out, err = op.do(r.Context(), h, in, func(p Progress) {
			// A client that is gone ends the request's context, which is
			// where the operation learns of it.
			_ = line.Encode(answer{Progress: &p})
			_ = flush.Flush()
		})
	}
	if err != nil {
		log.Warn("command failed", "op", op.name(), "kind", cairn.KindOf(err).String(), "err", err)
		last = answer{Error: problemOf(err)}
	}
	if err := line.Encode(last); err != nil {
		log.Debug("command went away", "op", op.name(), "err", err)
	}
}

func problemOf(err error) *problem {
	p := &problem{Kind: cairn.KindOf(err), Text: cairn.TextOf(err)}
	var e *cairn.Error
	if errors.As(err, &e) {
		p.Field = e.Field
	}
	return p
}

// A client calls operations of the server behind a socket.
type client struct{ http *http.Client }

func newClient(dir string) *client {
	return &client{&http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, dir) },
	}}}
}

// call sends in to the operation and returns what it answers.
func (c *client) call(ctx context.Context, name string, in []byte, say func(Progress)) (json.RawMessage, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://cairn/op/"+name, bytes.NewReader(in))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, gone(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, cairn.Errorf(cairn.Conflict, "The running server does not know %q: it is another version of Cairn. Restart it with this one.", name)
	}
	lines := json.NewDecoder(bufio.NewReader(resp.Body))
	for {
		var a answer
		if err := lines.Decode(&a); err != nil {
			return nil, gone(err)
		}
		switch {
		case a.Error != nil:
			return nil, &cairn.Error{Kind: a.Error.Kind, Field: a.Error.Field, Text: a.Error.Text}
		case a.Progress == nil:
			return a.Out, nil
		case say != nil:
			say(*a.Progress)
		}
	}
}

func gone(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return cairn.Errorf(cairn.Unavailable, "The running server went away before it answered.").Because(err)
}

// serveSocket answers commands until ctx ends, then lets those under way
// finish for at most five seconds and ends them.
func serveSocket(ctx context.Context, l net.Listener, h House, log *slog.Logger) error {
	s := &http.Server{Handler: Handler(h, log), ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	select {
	case err := <-ended:
		return fmt.Errorf("app: socket: %w", err)
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := s.Shutdown(late)
	if err != nil {
		err = s.Close()
	}
	<-ended // the socket's file is gone now
	return err
}
