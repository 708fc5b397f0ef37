package sqlstore

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"cairn"
)

// What is personal is sealed with AES-256-GCM under the key of its subject.
// A sealed value is the subject's id (16 bytes), a nonce (12 bytes) and the
// ciphertext; the id is bound to it as additional data. Destroying the
// subject's row of subject_key makes every such value unreadable for ever.

const nonceSize = 12

// A subjectKey is a cipher with the secret that it is made of.
type subjectKey struct {
	cipher.AEAD
	secret [32]byte
}

func newKey(secret []byte) (k subjectKey, err error) {
	if k.AEAD, err = aead(secret); err != nil {
		return k, err
	}
	if copy(k.secret[:], secret) != len(secret) || len(secret) != len(k.secret) {
		return k, fmt.Errorf("sqlstore: a subject's key of %d bytes", len(secret))
	}
	return k, nil
}

// keyring remembers keys of subjects. The ciphers made of them take twenty
// times the room, and a microsecond to make.
type keyring struct {
	mu   sync.Mutex
	keys aged[cairn.ID, [32]byte]
}

const maxKeys = 150_000 // twice

func (k *keyring) key(id cairn.ID) (cipher.AEAD, bool) {
	k.mu.Lock()
	secret, ok := k.keys.get(id)
	k.mu.Unlock()
	if !ok {
		return nil, false
	}
	a, err := aead(secret[:])
	return a, err == nil
}

func (k *keyring) put(id cairn.ID, key subjectKey) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys.put(id, key.secret, 1, maxKeys)
}

// putAll remembers the keys that a committed transaction made.
func (k *keyring) putAll(keys map[cairn.ID]subjectKey) {
	for id, key := range keys {
		k.put(id, key)
	}
}

func (k *keyring) drop(id cairn.ID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys.forget(id)
}

// erased is the bell at which every node forgets the keys that it remembers:
// one of them is destroyed.
const erased = "erased"

func (k *keyring) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = aged[cairn.ID, [32]byte]{}
}

func aead(secret []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

func sealWith(a cipher.AEAD, subject cairn.ID, plain []byte) []byte {
	out := make([]byte, len(subject)+nonceSize, len(subject)+nonceSize+len(plain)+a.Overhead())
	copy(out, subject[:])
	nonce := out[len(subject):]
	rand.Read(nonce) // never fails; see crypto/rand
	return a.Seal(out, nonce, plain, subject[:])
}

// sealer returns the key of a subject, making one within tx when there is
// none. Keys made in a transaction that is rolled back are forgotten by the
// caller through fresh.
func (s *Store) sealer(ctx context.Context, tx *Tx, subject cairn.ID, fresh map[cairn.ID]subjectKey) (cipher.AEAD, error) {
	if a, ok := fresh[subject]; ok {
		return a, nil
	}
	if a, ok := s.keys.key(subject); ok {
		return a, nil
	}
	secret, err := s.secret(ctx, tx, subject, 32)
	if err != nil {
		return nil, err
	}
	k, err := newKey(secret)
	if err != nil {
		return nil, err
	}
	fresh[subject] = k
	return k, nil
}

// secret returns the row of subject_key, made of n random bytes when missing.
func (s *Store) secret(ctx context.Context, tx *Tx, subject cairn.ID, n int) ([]byte, error) {
	read := func() (b []byte, err error) {
		err = tx.QueryRowContext(ctx, `
			/* seal.secret */
			select secret from subject_key where subject = $1`, subject[:]).Scan(&b)
		return b, err
	}
	b, err := read()
	if err == nil || !errors.Is(err, sql.ErrNoRows) {
		return b, err
	}
	b = make([]byte, n)
	rand.Read(b)
	res, err := tx.ExecContext(ctx, `
		/* seal.secret */
		insert into subject_key (subject, secret) values ($1, $2) on conflict do nothing`, subject[:], b)
	if err != nil {
		return nil, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return b, err
	}
	return read() // another node was first
}

// open returns what was sealed, and nil when the subject's key is destroyed
// or nothing was sealed.
func (s *Store) open(ctx context.Context, sealed []byte) (json.RawMessage, error) {
	var subject cairn.ID
	if len(sealed) == 0 {
		return nil, nil
	}
	if len(sealed) < len(subject)+nonceSize {
		return nil, fmt.Errorf("sqlstore: a sealed value of %d bytes is too short", len(sealed))
	}
	copy(subject[:], sealed)
	a, ok := s.keys.key(subject)
	if !ok {
		var secret []byte
		err := s.db.QueryRowContext(ctx, `
			/* seal.open */
			select secret from subject_key where subject = $1`, subject[:]).Scan(&secret)
		if errors.Is(err, sql.ErrNoRows) {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		k, err := newKey(secret)
		if err != nil {
			return nil, err
		}
		s.keys.put(subject, k)
		a = k
	}
	return s.unseal(ctx, a, sealed)
}

// openBox opens a sealed value, at least as long as subject and nonce, with the
// key of its subject.
func openBox(a cipher.AEAD, sealed []byte) (plain []byte, subject cairn.ID, err error) {
	rest := sealed[copy(subject[:], sealed):]
	plain, err = a.Open(nil, rest[:nonceSize], rest[nonceSize:], subject[:])
	return plain, subject, err
}

// unseal opens what was sealed with the key that its subject has now. Of
// somebody who was erased and is sent again, what was sealed before that stays
// closed: nil.
func (s *Store) unseal(ctx context.Context, a cipher.AEAD, sealed []byte) (json.RawMessage, error) {
	plain, subject, err := openBox(a, sealed)
	if err == nil {
		return plain, nil
	}
	p, known := s.Person(ctx, cairn.PersonID{ID: subject})
	if known == nil && p.Erased {
		return nil, nil
	}
	return nil, fmt.Errorf("sqlstore: a sealed value does not open: %w", err)
}

// Pepper returns the workspace's secret for people's keys, made at first use.
// It is the row of subject_key whose subject is zero.
func (s *Store) Pepper(ctx context.Context) (cairn.Pepper, error) {
	s.pepperMu.Lock()
	defer s.pepperMu.Unlock()
	if s.pepper != nil {
		return s.pepper, nil
	}
	err := s.write(ctx, People, func(tx *Tx) error {
		b, err := s.secret(ctx, tx, cairn.ID{}, 32)
		s.pepper = b
		return err
	})
	return s.pepper, err
}

// UsePepper sets the pepper of a workspace that has none yet, so that a
// made-up company is the same everywhere. A pepper that is known protects
// nobody: it is for demos only.
func (s *Store) UsePepper(ctx context.Context, secret [32]byte) error {
	return s.write(ctx, People, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			/* seal.UsePepper */
			insert into subject_key (subject, secret) values ($1, $2) on conflict do nothing`, make([]byte, 16), secret[:])
		return err
	})
}

// Person returns a person as they stand; cairn.NotFound when nobody was met
// under this id.
func (s *Store) Person(ctx context.Context, id cairn.PersonID) (cairn.Person, error) {
	p := cairn.Person{ID: id}
	err := s.db.QueryRowContext(ctx, `
		/* seal.Person */
		select key, name, mail, title, role, opted_out, erased from person where id = $1`, id).Scan(
		&p.Key, &p.Name, &p.Mail, &p.Title, &p.Role, &p.OptedOut, &p.Erased)
	if errors.Is(err, sql.ErrNoRows) {
		return p, cairn.Errorf(cairn.NotFound, "Nobody is known by this id.")
	}
	return p, err
}
