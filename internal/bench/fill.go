package bench

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"cairn"
)

// A filling makes a server with accounts in it, through the front door. Where
// it may keep it, it finds it again the next time.
type filling struct {
	accounts int
	keep     string // a directory; "": none
	say      func(string)
	send     func(context.Context, *server) error
}

// start starts the server.
func (f filling) start(ctx context.Context) (*server, error) {
	s, err := newServer("")
	if err != nil {
		return nil, err
	}
	if f.keep != "" {
		s.cfg.Data = filepath.Join(f.keep, "data")
	}
	if err := s.start(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// A filled is what is written down of a server that is kept.
type filled struct {
	Accounts int     `json:"accounts"`
	Fill     float64 `json:"fill_s"`
	Settled  float64 `json:"settled_s"`
}

// fill fills the server, unless it is one that was filled before and kept. It
// returns the seconds until all was accepted, and until every account had taken
// its turn.
func (f filling) fill(ctx context.Context, s *server) (accepted, settled float64, err error) {
	note := filepath.Join(f.keep, "filled.json")
	if f.keep != "" {
		if text, err := os.ReadFile(note); err == nil {
			var was filled
			if err := json.Unmarshal(text, &was); err != nil || was.Accounts != f.accounts {
				return 0, 0, cairn.Errorf(cairn.Conflict, "%s is of %d accounts: name another directory, or remove it.", f.keep, was.Accounts).At("keep")
			}
			f.say("What was filled before is used again.")
			return was.Fill, was.Settled, s.settled(ctx)
		}
	}
	f.say("They enter by the front door.")
	begun := time.Now()
	if err := f.send(ctx, s); err != nil {
		return 0, 0, err
	}
	accepted = time.Since(begun).Seconds()
	f.say("Every account takes its turn.")
	if err := s.settled(ctx); err != nil {
		return 0, 0, err
	}
	settled = time.Since(begun).Seconds()
	if f.keep == "" {
		return accepted, settled, nil
	}
	text, err := json.Marshal(filled{f.accounts, accepted, settled})
	if err != nil {
		return 0, 0, err
	}
	return accepted, settled, os.WriteFile(note, text, 0o644)
}
