package sqlstore

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// granted remembers what was read of keys and sources, so that a request costs
// one look at a key's row and no reading of texts. It is only ever a shortcut:
// what is remembered counts while the row says the same.
type granted struct {
	mu      sync.Mutex
	keys    map[int64]readKey
	sources map[string]ingest.Source
	used    map[int64]cairn.Day
}

type readKey struct {
	body string
	key  ingest.Key
}

// Grant returns what a key allows; see [ingest.Keys].
func (s *Store) Grant(ctx context.Context, text string, now time.Time) (ingest.Grant, error) {
	sum := sha256.Sum256([]byte(text))
	var id int64
	var used cairn.Day
	var body, name string
	var rev int
	err := s.db.QueryRowContext(ctx, `
		/* source_keys.Grant */
		select k.id, k.used, k.body, s.name, s.rev
		from source_key k join source s on s.name = k.source where k.hash = $1`, sum[:]).Scan(&id, &used, &body, &name, &rev)
	if errors.Is(err, sql.ErrNoRows) {
		return ingest.Grant{}, cairn.Errorf(cairn.Unauthentic, "This key is not known here.").At("writeKey")
	}
	if err != nil {
		return ingest.Grant{}, err
	}
	g, err := s.granted.read(id, body, name, rev)
	if err != nil {
		return g, err
	}
	if g.Source.Name == "" {
		if g.Source, err = s.Source(ctx, name); err != nil {
			return g, err
		}
		s.granted.keep(g.Source)
	}
	if err := g.Key.Check(now); err != nil {
		return ingest.Grant{}, err
	}
	g.Source.Only = g.Key.Kinds
	if today := cairn.DayOf(now, s.Settings().Zone); used < today && s.granted.first(id, today) {
		s.noteUse(ctx, id, today)
	}
	return g, nil
}

// read returns the key, and the source when what is remembered of it is of
// that revision.
func (g *granted) read(id int64, body, name string, rev int) (ingest.Grant, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out ingest.Grant
	was, ok := g.keys[id]
	if !ok || was.body != body {
		was = readKey{body: body}
		if err := json.Unmarshal([]byte(body), &was.key); err != nil {
			return out, err
		}
		if g.keys == nil || len(g.keys) > 10_000 {
			g.keys = map[int64]readKey{}
		}
		g.keys[id] = was
	}
	out.Key = was.key
	if src := g.sources[name]; src.Rev == rev && rev > 0 {
		out.Source = src
	}
	return out, nil
}

func (g *granted) keep(src ingest.Source) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.sources == nil || len(g.sources) > 10_000 {
		g.sources = map[string]ingest.Source{}
	}
	g.sources[src.Name] = src
}

// first reports whether this node has not yet noted a use of the key today.
func (g *granted) first(id int64, today cairn.Day) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.used[id] >= today {
		return false
	}
	if g.used == nil {
		g.used = map[int64]cairn.Day{}
	}
	g.used[id] = today
	return true
}

// noteUse keeps the day of a key's last use. The request goes on without.
func (s *Store) noteUse(ctx context.Context, id int64, today cairn.Day) {
	err := s.write(context.WithoutCancel(ctx), Door, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			/* source_keys.noteUse */
			update source_key set used = $2 where id = $1 and used < $2`, id, int64(today))
		return err
	})
	if err != nil {
		s.log.WarnContext(ctx, "the use of a key was not noted", "key", id, "err", err)
	}
}

// AddKey makes a key; see [ingest.Keys].
func (s *Store) AddKey(ctx context.Context, by cairn.Actor, k ingest.Key, now time.Time) (ingest.Key, string, error) {
	var text string
	err := s.changeKeys(ctx, by, k.Source, now, func(tx *Tx, _ []ingest.Key) (note string, err error) {
		k, text, err = s.newKey(ctx, tx, by, k, now)
		return fmt.Sprintf("Made key %s.", k.Label()), err
	})
	return k, text, err
}

// newKey adds the row of a key.
func (s *Store) newKey(ctx context.Context, tx *Tx, by cairn.Actor, k ingest.Key, now time.Time) (ingest.Key, string, error) {
	k, err := k.Settle(now)
	if err != nil {
		return k, "", err
	}
	prefix := "rk_"
	if slices.Contains(k.Scopes, ingest.MayWrite) {
		prefix = "wk_"
	}
	text := prefix + base62(32)
	by.Mail = "" // an address is personal
	k.Hint, k.Made, k.By = text[:7]+"…", now, by
	k.RotatedTo, k.Withdrawn, k.WithdrawnBy, k.LastUsed = 0, time.Time{}, nil, ""
	if k.ID, err = serial(ctx, tx, "source_key", 1); err != nil {
		return k, "", err
	}
	body, err := json.Marshal(k)
	if err != nil {
		return k, "", err
	}
	sum := sha256.Sum256([]byte(text))
	_, err = tx.ExecContext(ctx, `
		/* source_keys.newKey */
		insert into source_key (hash, id, source, used, body) values ($1, $2, $3, 0, $4)`, sum[:], k.ID, k.Source, string(body))
	return k, text, err
}

// RotateKey makes a key like another; see [ingest.Keys].
func (s *Store) RotateKey(ctx context.Context, by cairn.Actor, source string, id int64, overlap time.Duration, now time.Time) (ingest.Key, string, error) {
	var k ingest.Key
	var text string
	if overlap < 0 {
		return k, "", cairn.Errorf(cairn.Invalid, "The old key cannot end before the new one is there.").At("overlap")
	}
	err := s.changeKeys(ctx, by, source, now, func(tx *Tx, keys []ingest.Key) (string, error) {
		old, err := keyIn(keys, id)
		if err != nil {
			return "", err
		}
		if err := old.Check(now); err != nil {
			return "", cairn.Errorf(cairn.Conflict, "%s Make a new key instead.", cairn.TextOf(err)).At("key")
		}
		next := old
		if !old.Expires.IsZero() {
			next.Expires = now.Add(old.Expires.Sub(old.Made)) // as long as the old one was made for
		}
		if k, text, err = s.newKey(ctx, tx, by, next, now); err != nil {
			return "", err
		}
		ends := now.Add(overlap)
		if old.Expires.IsZero() || ends.Before(old.Expires) {
			old.Expires = ends
		}
		old.RotatedTo = k.ID
		return fmt.Sprintf("Rotated key %s to %s; the old one ends on %s.", old.Label(), k.Hint, old.Expires.UTC().Format("2 Jan 2006, 15:04 UTC")), s.putKey(ctx, tx, old)
	})
	return k, text, err
}

// ChangeKey changes what a key is called and limited to; see [ingest.Keys].
func (s *Store) ChangeKey(ctx context.Context, by cairn.Actor, k ingest.Key, now time.Time) (ingest.Key, error) {
	var out ingest.Key
	err := s.changeKeys(ctx, by, k.Source, now, func(tx *Tx, keys []ingest.Key) (string, error) {
		was, err := keyIn(keys, k.ID)
		if err != nil {
			return "", err
		}
		expires := k.Expires
		if expires.Equal(was.Expires) {
			k.Expires = time.Time{} // as it was, also when that has passed
		}
		if k, err = k.Settle(now); err != nil {
			return "", err
		}
		out = was
		out.Name, out.Kinds, out.Origins, out.Paths, out.Expires, out.Limits = k.Name, k.Kinds, k.Origins, k.Paths, expires, k.Limits
		return fmt.Sprintf("Changed key %s.", out.Label()), s.putKey(ctx, tx, out)
	})
	return out, err
}

// WithdrawKey ends a key at once, or takes that back; see [ingest.Keys].
func (s *Store) WithdrawKey(ctx context.Context, by cairn.Actor, source string, id int64, back bool, now time.Time) (ingest.Key, error) {
	var out ingest.Key
	err := s.changeKeys(ctx, by, source, now, func(tx *Tx, keys []ingest.Key) (note string, err error) {
		if out, err = keyIn(keys, id); err != nil {
			return "", err
		}
		switch {
		case back == out.Withdrawn.IsZero():
			return "", nil // it stands so already
		case back:
			out.Withdrawn, out.WithdrawnBy = time.Time{}, nil
			note = fmt.Sprintf("Took back the withdrawal of key %s.", out.Label())
		default:
			by.Mail = ""
			out.Withdrawn, out.WithdrawnBy = now, &by
			note = fmt.Sprintf("Withdrew key %s.", out.Label())
		}
		return note, s.putKey(ctx, tx, out)
	})
	return out, err
}

// SpendKey adds to what a key has sent on a day; see [ingest.Keys].
func (s *Store) SpendKey(ctx context.Context, id int64, day cairn.Day, n int64) (sum int64, err error) {
	err = s.write(ctx, Door, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `
			/* source_keys.SpendKey */
			delete from key_day where key = $1 and day < $2`, id, int64(day)-7); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `
			/* source_keys.SpendKey */
			insert into key_day (key, day, n) values ($1, $2, $3)
			on conflict (key, day) do update set n = key_day.n + excluded.n returning n`, id, int64(day), n).Scan(&sum)
	})
	return sum, err
}

func keyIn(keys []ingest.Key, id int64) (ingest.Key, error) {
	for _, k := range keys {
		if k.ID == id {
			return k, nil
		}
	}
	return ingest.Key{}, cairn.Errorf(cairn.NotFound, "This source has no key with the number %d.", id).At("key")
}

func (s *Store) putKey(ctx context.Context, tx *Tx, k ingest.Key) error {
	k.LastUsed = ""
	body, err := json.Marshal(k)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		/* source_keys.putKey */
		update source_key set body = $2 where id = $1`, k.ID, string(body))
	return err
}

// changeKeys lets change do something to the keys of a source, and keeps how
// they stand then as a revision of the book. Without a note nothing was changed.
func (s *Store) changeKeys(ctx context.Context, by cairn.Actor, source string, now time.Time, change func(tx *Tx, keys []ingest.Key) (note string, err error)) error {
	if by.Kind == "" || by.Kind == cairn.ByKey {
		return cairn.Errorf(cairn.Forbidden, "Only who is signed in may change keys.")
	}
	if _, err := s.Source(ctx, source); err != nil {
		return err
	}
	err := s.write(ctx, People, func(tx *Tx) error {
		keys, err := s.readKeys(ctx, tx, source)
		if err != nil {
			return err
		}
		note, err := change(tx, keys)
		if err != nil || note == "" {
			return err
		}
		if keys, err = s.readKeys(ctx, tx, source); err != nil {
			return err
		}
		for i := range keys {
			keys[i].LastUsed = ""
		}
		_, err = s.revise(ctx, tx, by, "source/"+source+"/keys", note, now, func(int) any { return keys })
		return err
	})
	if err == nil {
		s.ring("page")
	}
	return err
}

// readKeys returns the keys of a source (empty: of all), oldest first.
func (s *Store) readKeys(ctx context.Context, q querier, source string) ([]ingest.Key, error) {
	rows, err := q.QueryContext(ctx, `
		/* source_keys.readKeys */
		select used, body from source_key where source = $1 or $1 = '' order by id`, source)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ingest.Key
	for rows.Next() {
		var used cairn.Day
		var body string
		var k ingest.Key
		if err := rows.Scan(&used, &body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &k); err != nil {
			return nil, err
		}
		if used > 0 {
			k.LastUsed = used.String()
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// keysOf sets the keys of each source.
func (s *Store) keysOf(ctx context.Context, scope cairn.Scope, out []ingest.Summary, at map[string]int) error {
	if !scope.All {
		return nil
	}
	keys, err := s.readKeys(ctx, s.db, "")
	for _, k := range keys {
		if i, ok := at[k.Source]; ok {
			out[i].Keys = append(out[i].Keys, k)
		}
	}
	return err
}
