package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"cairn"
	"cairn/internal/auth"
)

// UserByMail returns the user with an address; see [auth.Store].
func (s *Store) UserByMail(ctx context.Context, mail string) (auth.User, error) {
	var u auth.User
	err := s.db.QueryRowContext(ctx, `
		/* auth.UserByMail */
		select id, mail, name, hash, admin from login where mail = $1`, mail).Scan(&u.ID, &u.Mail, &u.Name, &u.Hash, &u.Admin)
	if errors.Is(err, sql.ErrNoRows) {
		return u, cairn.Errorf(cairn.NotFound, "There is no such user.").At("mail")
	}
	return u, err
}

// Users returns all users by address.
func (s *Store) Users(ctx context.Context) ([]auth.User, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* auth.Users */
		select id, mail, name, hash, admin from login order by mail`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []auth.User
	for rows.Next() {
		var u auth.User
		if err := rows.Scan(&u.ID, &u.Mail, &u.Name, &u.Hash, &u.Admin); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

// SaveUser adds or changes a user; another with the address is a cairn.Conflict.
func (s *Store) SaveUser(ctx context.Context, u auth.User) error {
	return s.write(ctx, People, func(tx *Tx) error {
		var other int
		err := tx.QueryRowContext(ctx, `
			/* auth.SaveUser */
			select count(*) from login where mail = $1 and id <> $2`, u.Mail, u.ID).Scan(&other)
		if err != nil {
			return err
		}
		if other > 0 {
			return cairn.Errorf(cairn.Conflict, "Another user has the address %s.", u.Mail).At("mail")
		}
		_, err = tx.ExecContext(ctx, `
			/* auth.SaveUser */
			insert into login (id, mail, name, hash, admin) values ($1, $2, $3, $4, $5)
			on conflict (id) do update set mail = excluded.mail, name = excluded.name, hash = excluded.hash, admin = excluded.admin`,
			u.ID, u.Mail, u.Name, u.Hash, one(u.Admin))
		return err
	})
}

// SaveSession adds or prolongs a session; see [auth.Store].
func (s *Store) SaveSession(ctx context.Context, tokenHash [32]byte, n auth.Session) error {
	return s.write(ctx, People, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `
			/* auth.SaveSession */
			delete from session where expires <= $1`, cairn.Micros(n.Expires.Add(-auth.Lifetime))); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			/* auth.SaveSession */
			insert into session (token, csrf, login, expires) values ($1, $2, $3, $4)
			on conflict (token) do update set expires = excluded.expires`,
			tokenHash[:], n.CSRF, n.User.ID, cairn.Micros(n.Expires))
		return err
	})
}

// Session returns an unexpired session with its user; see [auth.Store].
func (s *Store) Session(ctx context.Context, tokenHash [32]byte, now time.Time) (auth.Session, error) {
	var n auth.Session
	var expires int64
	u := &n.User
	err := s.db.QueryRowContext(ctx, `
		/* auth.Session */
		select n.csrf, n.expires, u.id, u.mail, u.name, u.hash, u.admin
		from session n join login u on u.id = n.login where n.token = $1 and n.expires > $2`,
		tokenHash[:], cairn.Micros(now)).Scan(&n.CSRF, &expires, &u.ID, &u.Mail, &u.Name, &u.Hash, &u.Admin)
	if errors.Is(err, sql.ErrNoRows) {
		return n, cairn.Errorf(cairn.Unauthentic, "Sign in to go on.")
	}
	n.Expires = cairn.FromMicros(expires)
	return n, err
}

// EndSession forgets a session.
func (s *Store) EndSession(ctx context.Context, tokenHash [32]byte) error {
	return s.write(ctx, People, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			/* auth.EndSession */
			delete from session where token = $1`, tokenHash[:])
		return err
	})
}

// EndSessions forgets all sessions of a user.
func (s *Store) EndSessions(ctx context.Context, userID string) error {
	return s.write(ctx, People, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			/* auth.EndSessions */
			delete from session where login = $1`, userID)
		return err
	})
}
