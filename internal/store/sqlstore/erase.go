package sqlstore

import (
	"context"
	"slices"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
)

// everyID returns all ids that are the same person as id: those that were
// merged, and the visitors that they turned out to be.
func (s *Store) everyID(ctx context.Context, id cairn.PersonID) ([]cairn.ID, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* erase.everyID */
		select id from identity where what <> 'account' and root = (select root from identity where id = $1 and what <> 'account')`, id)
	if err != nil {
		return nil, err
	}
	ids, err := scanIDs(rows)
	if !slices.Contains(ids, id.ID) {
		ids = append(ids, id.ID)
	}
	return ids, err
}

// Erasing says what erasing a person reaches, and changes nothing. key is what
// a source calls them, and may be empty; see [account.Erasure].
func (s *Store) Erasing(ctx context.Context, id cairn.PersonID, key string) (account.Erasure, error) {
	out := account.Erasure{Person: id}
	ids, err := s.everyID(ctx, id)
	if err != nil {
		return out, err
	}
	sought := ingest.Sought{key}
	var st statement
	st.add(`
		/* erase.Erasing */
		select ` + personColumns + ` from person p where `)
	in(&st, "p.id", ids)
	st.add(` order by p.key, p.id`)
	if out.Known, err = s.people(ctx, &st); err != nil {
		return out, err
	}
	for _, p := range out.Known {
		sought = append(sought, p.Key, p.Mail)
	}
	for _, n := range ids {
		out.IDs = append(out.IDs, cairn.PersonID{ID: n})
	}
	err = s.scanRejects(ctx, cairn.Everything, ingest.RejectQuery{Any: true}, func(j ingest.Reject) bool {
		again := ""
		if j.Again != nil {
			again = j.Again.Reason
		}
		if slices.Contains(ids, j.Person.ID) && j.Body != "" || slices.ContainsFunc([]string{j.Body, j.Mended, j.Reason, again}, sought.In) {
			out.Rejects = append(out.Rejects, j.ID)
		}
		return true
	})
	return out, err
}

// Erase destroys the keys of a person and the rows that hold what is personal
// in the clear, of all ids that are this person, empties the rejects that name
// them, and empties the write-ahead log, so that no file of the workspace
// holds a trace. Tallies, positions and counts stay. key is what a source
// calls them, and may be empty.
func (s *Store) Erase(ctx context.Context, by cairn.Actor, id cairn.PersonID, key string) (account.Erasure, error) {
	if by.Kind == "" {
		return account.Erasure{}, cairn.Errorf(cairn.Forbidden, "Only a signed-in user may erase a person.")
	}
	reach, err := s.Erasing(ctx, id, key)
	if err != nil {
		return reach, err
	}
	err = s.write(ctx, People, func(tx *Tx) error {
		for _, id := range reach.IDs {
			if err := erasePerson(ctx, tx, id); err != nil {
				return err
			}
		}
		if err := s.eraseRejects(ctx, tx, by, reach); err != nil {
			return err
		}
		return pageChanged(ctx, tx)
	})
	if err != nil {
		return reach, err
	}
	for _, id := range reach.IDs {
		s.keys.drop(id.ID)
	}
	s.ring(erased)
	return reach, s.engine.Scrub(ctx, s.wdb.DB)
}

// erasePerson erases one id. One that had no row as a person, such as a
// visitor's, gets one that says so: what was sealed before stays closed when
// it is sent again.
func erasePerson(ctx context.Context, tx *Tx, id cairn.PersonID) error {
	for _, q := range []string{
		`/* erase.erasePerson */ delete from subject_key where subject = $1`,
		`/* erase.erasePerson */ delete from token where id = $1`,
		`/* erase.erasePerson */ delete from handle where subject = $1`,
		`/* erase.erasePerson */ update record set sealed = null where id = $1`,
		`/* erase.erasePerson */ insert into person (id, key, name, mail, title, role, opted_out, erased) values ($1, '', '', '', '', '', 0, 1)
			on conflict (id) do update set key = '', name = '', mail = '', title = '', erased = 1`,
		`/* erase.erasePerson */ update account set version = version + 1 where id in (select i.holder from member m join identity i on i.id = m.account where m.person = $1)`,
	} {
		if _, err := tx.ExecContext(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// eraseRejects empties what was refused and names an erased person. What was
// open is dismissed: there is nothing left to mend. The counts stay.
func (s *Store) eraseRejects(ctx context.Context, tx *Tx, by cairn.Actor, reach account.Erasure) error {
	counts := map[rejectReason]*rejectChange{}
	if err := emptyRejects(ctx, tx, by, "person", reach.IDs, counts); err != nil {
		return err
	}
	for some := range slices.Chunk(reach.Rejects, atOnce) {
		if err := emptyRejects(ctx, tx, by, "id", some, counts); err != nil {
			return err
		}
	}
	return s.countRejects(ctx, tx, counts)
}

func emptyRejects[T any](ctx context.Context, tx *Tx, by cairn.Actor, column string, values []T, counts map[rejectReason]*rejectChange) error {
	var open statement
	open.add(`
		/* erase.emptyRejects */
		update reject set state = 'dismissed', actor = ? where state = 'open' and `, by.Name)
	in(&open, column, values)
	open.add(` returning source, code, field`)
	rows, err := tx.QueryContext(ctx, open.String(), open.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var k rejectReason
		if err := rows.Scan(&k.source, &k.code, &k.field); err != nil {
			return err
		}
		changeOf(counts, k).dismissed++
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	var all statement
	all.add(`
		/* erase.emptyRejects */
		update reject set reason = null, again = null, sealed = null, mended = null where `)
	in(&all, column, values)
	_, err = tx.ExecContext(ctx, all.String(), all.args...)
	return err
}
