package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"cairn"
)

// settlePeople works out anew who each of ids is, and whose they are.
func (ad *admission) settlePeople(ctx context.Context, ids ...cairn.ID) error {
	all, by, err := ad.component(ctx, ids...)
	if err != nil {
		return err
	}
	roots := map[cairn.ID]bool{}
	for _, was := range all {
		now := was
		now.root = rootBy(was.id, by)
		now.holder = now.root
		if now.root == was.root {
			continue
		}
		roots[was.root], roots[now.root] = true, true
		if err := ad.move(ctx, now); err != nil {
			return err
		}
		if _, err := ad.tx.ExecContext(ctx, `
			/* identity_person.settlePeople */
			update stream set person = $2 where id = $1`, cairn.PersonID{ID: now.id}.Stream(), now.root); err != nil {
			return err
		}
	}
	sorted := make([]cairn.ID, 0, len(roots))
	for id := range roots {
		sorted = append(sorted, id)
	}
	slices.SortFunc(sorted, func(a, b cairn.ID) int { return bytes.Compare(a[:], b[:]) })
	for _, id := range sorted {
		if err := ad.claim(ctx, cairn.PersonID{ID: id}); err != nil {
			return err
		}
		root, _, err := ad.rootOf(ctx, id)
		if err != nil {
			return err
		}
		if root != id {
			err = ad.blankPerson(ctx, cairn.PersonID{ID: id})
		} else {
			err = ad.redraw(ctx, cairn.OfPerson, id)
		}
		if err != nil {
			return err
		}
		if err := ad.touchAccountsOf(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// touchAccountsOf has the accounts at which somebody is measured again: two
// who were counted are one now, or one is two.
func (ad *admission) touchAccountsOf(ctx context.Context, person cairn.ID) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity_person.touchAccountsOf */
		select distinct i.holder from member m join identity i on i.id = m.account
		where i.holder is not null and (m.person = $1 or m.person in (select id from identity where root = $1))`, person)
	if err != nil {
		return err
	}
	ids, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, id := range ids {
		ad.due[cairn.AccountID{ID: id}], ad.dirty[cairn.AccountID{ID: id}] = true, true
	}
	return nil
}

// settleStream works out anew whose the stream of a record is: whom it was
// given to by hand, else the account that the record's events name.
func (ad *admission) settleStream(ctx context.Context, id cairn.StreamID) error {
	var kind string
	var born, was, named cairn.ID
	err := ad.tx.QueryRowContext(ctx, `
		/* identity_person.settleStream */
		select s.kind, s.born, s.account, i.holder from stream s
		left join record r on r.id = s.born and r.stream = s.id left join identity i on i.id = r.named where s.id = $1`, id).Scan(&kind, &born, &was, &named)
	if errors.Is(err, sql.ErrNoRows) || err == nil && kind != "record" {
		return nil
	}
	if err != nil {
		return err
	}
	owner := named
	by, err := ad.pointers(ctx, cairn.Home, []cairn.ID{id.ID})
	if err != nil {
		return err
	}
	if p, ok := by[id.ID]; ok {
		h, err := ad.holderOf(ctx, cairn.AccountID{ID: p.target})
		if err != nil {
			return err
		}
		owner = h.ID
	}
	if owner == was {
		return nil
	}
	for _, a := range []cairn.ID{was, owner} {
		if !a.IsZero() {
			ad.due[cairn.AccountID{ID: a}], ad.dirty[cairn.AccountID{ID: a}] = true, true
		}
	}
	return ad.give(ctx, id, cairn.AccountID{ID: owner})
}

// settleAside works out anew whether anybody shall be asked whose something is.
func (ad *admission) settleAside(ctx context.Context, r cairn.Ref) error {
	id := r.ID
	where := `id = $1`
	switch r.What {
	case cairn.AnAccount:
		id = cairn.AccountID{ID: id}.Stream().ID
	case cairn.APerson, cairn.AVisitor:
		id = cairn.PersonID{ID: id}.Stream().ID
	}
	by, err := ad.pointers(ctx, cairn.Aside, []cairn.ID{r.ID})
	if err != nil {
		return err
	}
	_, aside := by[r.ID]
	_, err = ad.tx.ExecContext(ctx, `
		/* identity_person.settleAside */
		update stream set aside = $2 where `+where, id, one(aside))
	return err
}

// redraw shows anew all that is said of an account or a person: under every
// id that it is known by.
func (ad *admission) redraw(ctx context.Context, kind cairn.EventKind, root cairn.ID) error {
	group, err := ad.group(ctx, root)
	if err != nil {
		return err
	}
	var st statement
	st.add(`
		/* identity_person.redraw */
		select distinct field from fact where `)
	in(&st, "record", group)
	st.add(` order by field`)
	rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	var fields []string
	for rows.Next() {
		var f string
		if err := rows.Scan(&f); err != nil {
			rows.Close()
			return err
		}
		fields = append(fields, f)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	row, err := ad.standing(ctx, cairn.RecordID{ID: root}, &cairn.Event{Kind: kind})
	if err != nil {
		return err
	}
	if kind == cairn.OfAccount {
		row.named = cairn.AccountID{ID: root}
	}
	if len(fields) == 0 && row.first == 0 { // nothing was ever said of it under its own id
		if _, err := ad.changeAll(ctx, `
			/* identity_person.redraw */
			delete from record where id = $1 returning kind, id, account`, root); err != nil {
			return err
		}
		row.plain, row.sealed = nil, nil
		if kind == cairn.OfAccount {
			return ad.saveAccount(ctx, cairn.AccountID{ID: root}, row)
		}
		return ad.savePerson(ctx, cairn.PersonID{ID: root}, row, map[string]json.RawMessage{"name": nil, "email": nil, "title": nil})
	}
	row.group = group
	row.plain, row.sealed = map[string]cairn.Said{}, map[string]cairn.Said{}
	open := map[string]json.RawMessage{"name": nil, "email": nil, "title": nil}
	for _, f := range fields {
		if err := ad.show(ctx, row, cairn.Fact{Field: f}, open); err != nil {
			return err
		}
	}
	if row.account, err = ad.accountOf(ctx, &cairn.Event{Account: row.named, Stream: row.stream}); err != nil {
		return err
	}
	if err := ad.save(ctx, row); err != nil {
		return err
	}
	if kind == cairn.OfAccount {
		return ad.saveAccount(ctx, cairn.AccountID{ID: root}, row)
	}
	return ad.savePerson(ctx, cairn.PersonID{ID: root}, row, open)
}

func streamOf(kind cairn.EventKind, id cairn.ID) cairn.StreamID {
	if kind == cairn.OfAccount {
		return cairn.AccountID{ID: id}.Stream()
	}
	return cairn.PersonID{ID: id}.Stream()
}
