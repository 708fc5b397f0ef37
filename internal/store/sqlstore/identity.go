package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"cairn"
)

// Whose an id is follows from what was said about it and from nothing else:
// each id has at most one tie that counts, ties lead to a root, and the root
// is who all ids on the way are. Events, records and memberships keep the ids
// as sent; only what is derived from them changes when a tie does, so that
// undoing a tie ends where everything stood without it.

// An ident is the row of one id.
type ident struct {
	id     cairn.ID
	what   cairn.What
	space  string
	key    string
	root   cairn.ID
	holder cairn.ID // zero: it waits
}

const identColumns = `id, what, space, key, root, holder`

func scanIdents(rows *sql.Rows) ([]ident, error) {
	defer rows.Close()
	var out []ident
	for rows.Next() {
		var n ident
		if err := rows.Scan(&n.id, &n.what, &n.space, &n.key, &n.root, &n.holder); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// meetIdent makes the row of an id that nothing was said about, and reports
// whether it is new.
func (ad *admission) meetIdent(ctx context.Context, r cairn.Ref, e *cairn.Event) (bool, error) {
	holder := bytesOf(r.ID)
	if r.What == cairn.AnAccount && r.Space != "" {
		holder = nil
	}
	res, err := ad.tx.ExecContext(ctx, `
		/* identity.meetIdent */
		insert into identity (id, what, space, key, source, first, root, holder)
		values ($1, $2, $3, $4, $5, $6, $1, $7) on conflict do nothing`,
		r.ID, string(r.What), string(r.Space), r.Key, e.Source, cairn.Micros(e.At), holder)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// spaceOf returns the space in which an event's source says its account's key.
func (ad *admission) spaceOf(ctx context.Context, e *cairn.Event) (cairn.Space, error) {
	if cairn.Space("").Account(e.Keys.Account) == e.Account {
		return "", nil
	}
	if e.Kind == cairn.OfIdentity {
		t, err := cairn.TieOf(e)
		return t.Subject.Space, err
	}
	src, err := ad.source(ctx, e.Source)
	if err == nil && src.Space.Account(e.Keys.Account) == e.Account {
		return src.Space, nil
	}
	return cairn.Space(e.Source), err // the setting was changed since
}

// rootOf returns who an id is now.
func (ad *admission) rootOf(ctx context.Context, id cairn.ID) (root cairn.ID, tied bool, err error) {
	err = ad.tx.QueryRowContext(ctx, `
		/* identity.rootOf */
		select root from identity where id = $1`, id).Scan(&root)
	if errors.Is(err, sql.ErrNoRows) {
		return id, false, nil
	}
	return root, true, err
}

// holderOf returns the account that an account's id stands for now; zero when
// it waits.
func (ad *admission) holderOf(ctx context.Context, id cairn.AccountID) (cairn.AccountID, error) {
	if h, ok := ad.holders[id]; ok {
		return h, nil
	}
	var h cairn.AccountID
	err := ad.tx.QueryRowContext(ctx, `
		/* identity.holderOf */
		select holder from identity where id = $1`, id).Scan(&h)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if ad.holders == nil {
		ad.holders = map[cairn.AccountID]cairn.AccountID{}
	}
	ad.holders[id] = h
	return h, err
}

// group returns all ids that have a root, the root's own first.
func (ad *admission) group(ctx context.Context, root cairn.ID) ([]cairn.ID, error) {
	out := []cairn.ID{root}
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity.group */
		select id from identity where root = $1 and id <> $1 order by id`, root)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// hear keeps what an event says about whose an id is, and draws the
// consequences.
func (ad *admission) hear(ctx context.Context, e *cairn.Event) error {
	t, err := cairn.TieOf(e)
	if err != nil {
		return err
	}
	if t.Slot == cairn.Undo {
		return ad.undo(ctx, t)
	}
	for _, r := range []cairn.Ref{t.Subject, t.Target} {
		if r.What == cairn.AStream || r.ID.IsZero() {
			continue
		}
		isNew, err := ad.meetIdent(ctx, r, e)
		if err != nil {
			return err
		}
		if isNew && r.What == cairn.AnAccount {
			if err := ad.reshape(ctx, map[cairn.AccountID]bool{{ID: r.ID}: true}); err != nil {
				return err
			}
		}
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	// What was undone before it arrived stays undone.
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.hear */
		insert into tie (id, subject, slot, target, hand, at, event, undone, body) values ($1, $2, $3, $4, $5, $6, $1, 0, $7)
		on conflict (id) do update set subject = excluded.subject, slot = excluded.slot, target = excluded.target,
			hand = excluded.hand, at = excluded.at, body = excluded.body`,
		t.ID, t.Subject.ID, string(t.Slot), t.Target.ID, one(t.Hand), cairn.Micros(t.At), string(body)); err != nil {
		return err
	}
	return ad.settle(ctx, t, e)
}

// undo makes a tie count no more, be it known yet or not.
func (ad *admission) undo(ctx context.Context, u cairn.Tie) error {
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.undo */
		insert into tie (id, slot, hand, at, event, undone, body) values ($1, '', 0, 0, $1, 1, '')
		on conflict (id) do update set undone = 1`, u.Target.ID); err != nil {
		return err
	}
	var body string
	if err := ad.tx.QueryRowContext(ctx, `
		/* identity.undo */
		select body from tie where id = $1`, u.Target.ID).Scan(&body); err != nil || body == "" {
		return err
	}
	var t cairn.Tie
	if err := json.Unmarshal([]byte(body), &t); err != nil {
		return err
	}
	return ad.settle(ctx, t, nil)
}

// settle draws the consequences of a tie that counts from now on, or no more.
func (ad *admission) settle(ctx context.Context, t cairn.Tie, e *cairn.Event) error {
	switch {
	case t.Slot == cairn.Into && t.Subject.What == cairn.AnAccount:
		return ad.settleAccounts(ctx, t.Subject.ID, t.Target.ID)
	case t.Slot == cairn.Into:
		return ad.settlePeople(ctx, t.Subject.ID, t.Target.ID)
	case t.Slot == cairn.Home && t.Subject.What == cairn.AStream:
		return ad.settleStream(ctx, cairn.StreamID{ID: t.Subject.ID})
	case t.Slot == cairn.Home:
		root, _, err := ad.rootOf(ctx, t.Subject.ID)
		if err != nil {
			return err
		}
		ad.touchTarget(ctx, t.Target)
		return ad.claim(ctx, cairn.PersonID{ID: root})
	case t.Slot == cairn.Aside:
		return ad.settleAside(ctx, t.Subject)
	}
	return nil
}

// touchTarget has the page of an account that somebody was given to, or taken
// from, show so.
func (ad *admission) touchTarget(ctx context.Context, r cairn.Ref) {
	if h, err := ad.holderOf(ctx, cairn.AccountID{ID: r.ID}); err == nil && !h.IsZero() {
		ad.due[h], ad.dirty[h] = true, true
	}
}

// said keeps what a source says with a call: that a visitor or an earlier key
// is this person. Of each source the latest counts. It reports whether who
// that is may be somebody else than before.
func (ad *admission) said(ctx context.Context, subject cairn.Ref, target cairn.PersonID, e *cairn.Event) (bool, error) {
	id := cairn.HashID("said", subject.ID.String(), e.Source)
	var was cairn.ID
	var at int64
	var event cairn.ID
	err := ad.tx.QueryRowContext(ctx, `
		/* identity.said */
		select target, at, event from tie where id = $1`, id).Scan(&was, &at, &event)
	now := cairn.Micros(e.At)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return false, err
	case cmp.Or(cmp.Compare(now, at), bytes.Compare(e.ID.ID[:], event[:])) <= 0:
		return false, nil
	}
	t := cairn.Tie{
		ID: cairn.EventID{ID: id}, Slot: cairn.Into, Subject: subject,
		Target: cairn.Ref{What: cairn.APerson, ID: target.ID}, Why: "said by " + e.Source, By: e.Source, At: e.At,
	}
	body, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	if was.IsZero() {
		for _, r := range []cairn.Ref{t.Subject, t.Target} {
			if _, err := ad.meetIdent(ctx, r, e); err != nil {
				return false, err
			}
		}
	} else if was != target.ID {
		if _, err := ad.meetIdent(ctx, t.Target, e); err != nil {
			return false, err
		}
	}
	if _, err = ad.tx.ExecContext(ctx, `
		/* identity.said */
		insert into tie (id, subject, slot, target, hand, at, event, undone, body) values ($1, $2, 'into', $3, 0, $4, $5, 0, $6)
		on conflict (id) do update set target = excluded.target, at = excluded.at, event = excluded.event, body = excluded.body`,
		id, subject.ID, target.ID, now, e.ID, string(body)); err != nil || was != target.ID {
		return true, err
	}
	var others bool // whom another source says: its word may count no more
	err = ad.tx.QueryRowContext(ctx, `
		/* identity.said */
		select exists (select 1 from tie where subject = $1 and slot = 'into' and id <> $2)`, subject.ID, id).Scan(&others)
	return others, err
}

// A pointer is the tie of an id that counts.
type pointer struct {
	target cairn.ID
	hand   int64
	at     int64
	event  cairn.ID
}

func (p pointer) stronger(q pointer) int {
	return cmp.Or(cmp.Compare(p.hand, q.hand), cmp.Compare(p.at, q.at), bytes.Compare(p.event[:], q.event[:]))
}

// pointers returns the tie that counts of each of ids in a slot.
func (ad *admission) pointers(ctx context.Context, slot cairn.Slot, ids []cairn.ID) (map[cairn.ID]pointer, error) {
	out := map[cairn.ID]pointer{}
	for some := range slices.Chunk(ids, atOnce) {
		var st statement
		st.add(`
			/* identity.pointers */
			select subject, target, hand, at, event from tie where slot = ? and undone = 0 and `, string(slot))
		in(&st, "subject", some)
		rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id cairn.ID
			var p pointer
			if err := rows.Scan(&id, &p.target, &p.hand, &p.at, &p.event); err != nil {
				rows.Close()
				return nil, err
			}
			if q, ok := out[id]; !ok || p.stronger(q) > 0 {
				out[id] = p
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rootBy follows pointers from an id to its root. Where they run in a circle,
// the id whose tie is the strongest of the circle stands alone.
func rootBy(id cairn.ID, by map[cairn.ID]pointer) cairn.ID {
	var path []cairn.ID
	for {
		if i := slices.Index(path, id); i >= 0 {
			circle := path[i:]
			return slices.MaxFunc(circle, func(a, b cairn.ID) int { return by[a].stronger(by[b]) })
		}
		p, ok := by[id]
		if !ok || p.target == id {
			return id
		}
		path = append(path, id)
		id = p.target
	}
}

// component returns the ids that share a root with any of ids, or with any to
// which their ties lead, with these ties: nothing beyond them changes when a
// tie among them does.
func (ad *admission) component(ctx context.Context, ids ...cairn.ID) ([]ident, map[cairn.ID]pointer, error) {
	for {
		all, by, err := ad.related(ctx, ids)
		if err != nil {
			return nil, nil, err
		}
		in := map[cairn.ID]bool{}
		for _, n := range all {
			in[n.id] = true
		}
		beyond := len(ids)
		for _, p := range by { // a tie that was outdone until now may lead elsewhere
			if !in[p.target] && !slices.Contains(ids, p.target) {
				ids = append(ids, p.target)
			}
		}
		if len(ids) == beyond {
			return all, by, nil
		}
	}
}

// related returns the ids that share a root with any of ids, with their ties.
func (ad *admission) related(ctx context.Context, ids []cairn.ID) ([]ident, map[cairn.ID]pointer, error) {
	var st statement
	st.add(`
		/* identity.related */
		select ` + identColumns + ` from identity where root in (select root from identity where `)
	in(&st, "id", ids)
	st.add(`) order by id`)
	rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, nil, err
	}
	all, err := scanIdents(rows)
	if err != nil {
		return nil, nil, err
	}
	every := make([]cairn.ID, len(all))
	for i, n := range all {
		every[i] = n.id
	}
	by, err := ad.pointers(ctx, cairn.Into, every)
	return all, by, err
}

// move writes what has become of an id.
func (ad *admission) move(ctx context.Context, n ident) error {
	_, err := ad.tx.ExecContext(ctx, `
		/* identity.move */
		update identity set root = $2, holder = $3 where id = $1`, n.id, n.root, n.holder)
	return err
}

// settleAccounts works out anew which account each of ids is, and everything
// that follows from it.
func (ad *admission) settleAccounts(ctx context.Context, ids ...cairn.ID) error {
	all, by, err := ad.component(ctx, ids...)
	if err != nil {
		return err
	}
	spaces := map[cairn.ID]string{}
	for _, n := range all {
		spaces[n.id] = n.space
	}
	alive := func(root cairn.ID) bool {
		p, ok := by[root]
		return spaces[root] == "" || ok && p.target == root
	}
	touched := map[cairn.AccountID]bool{} // whose set of ids changes: roots, before and after
	var changed []ident
	for _, was := range all {
		now := was
		now.root, now.holder = rootBy(was.id, by), cairn.ID{}
		if alive(now.root) {
			now.holder = now.root
		}
		if now.root == was.root && now.holder == was.holder {
			continue
		}
		touched[cairn.AccountID{ID: was.root}], touched[cairn.AccountID{ID: now.root}] = true, true
		if err := ad.move(ctx, now); err != nil {
			return err
		}
		changed = append(changed, now)
	}
	ad.holders = nil
	for _, n := range changed {
		if err := ad.moveStreams(ctx, n); err != nil {
			return err
		}
	}
	for _, n := range changed {
		if err := ad.reclaim(ctx, n); err != nil {
			return err
		}
	}
	return ad.reshape(ctx, touched)
}

// moveStreams gives the stream and the records of an account's id to whose
// they are now.
func (ad *admission) moveStreams(ctx context.Context, n ident) error {
	id := cairn.AccountID{ID: n.id}
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.moveStreams */
		update stream set account = $2 where id = $1`, id.Stream(), n.holder); err != nil {
		return err
	}
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.moveStreams */
		update record set account = coalesce($2, (select s.account from stream s where s.id = record.stream and s.kind = 'record')), version = version + 1
		where named = $1`, n.id, n.holder); err != nil {
		return err
	}
	// Records that came before their account was named have streams of their own.
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity.moveStreams */
		select s.id from record r join stream s on s.id = r.stream where r.named = $1 and s.kind = 'record'`, n.id)
	if err != nil {
		return err
	}
	streams, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, s := range streams {
		if err := ad.settleStream(ctx, cairn.StreamID{ID: s}); err != nil {
			return err
		}
	}
	return nil
}

// reclaim settles anew whose those are who are said to belong to an account's
// id, or were given to it.
func (ad *admission) reclaim(ctx context.Context, n ident) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity.reclaim */
		select distinct s.person from member m left join identity i on i.id = m.person
		join stream s on s.person = coalesce(i.root, m.person)
		where m.account = $1 and m.said = 1
		union
		select coalesce(i.root, t.subject) from tie t left join identity i on i.id = t.subject
		where t.target = $1 and t.slot = 'home' and t.undone = 0`, n.id)
	if err != nil {
		return err
	}
	people, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := ad.claim(ctx, cairn.PersonID{ID: p}); err != nil {
			return err
		}
		if err := ad.settleStream(ctx, cairn.StreamID{ID: p}); err != nil { // when it is a stream that was given
			return err
		}
	}
	return nil
}

func scanIDs(rows *sql.Rows) ([]cairn.ID, error) {
	defer rows.Close()
	var out []cairn.ID
	for rows.Next() {
		var id cairn.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// reshape makes rows of accounts that have come to stand alone, takes those
// away that no longer do, and shows anew what is said of them.
func (ad *admission) reshape(ctx context.Context, touched map[cairn.AccountID]bool) error {
	ids := make([]cairn.AccountID, 0, len(touched))
	for id := range touched {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b cairn.AccountID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, id := range ids {
		root, _, err := ad.rootOf(ctx, id.ID)
		if err != nil {
			return err
		}
		holder, err := ad.holderOf(ctx, id)
		if err != nil {
			return err
		}
		if holder == id {
			if err := ad.raise(ctx, id); err != nil {
				return err
			}
			ad.due[id], ad.dirty[id] = true, true
		} else if err := ad.lower(ctx, id); err != nil {
			return err
		}
		if root != id.ID {
			err = ad.blank(ctx, id.Record())
		} else {
			err = ad.redraw(ctx, cairn.OfAccount, root)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blank empties what is shown under an id that is another name of somebody:
// it is shown there. What was said stays among the facts.
func (ad *admission) blank(ctx context.Context, id cairn.RecordID) error {
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.blank */
		delete from record where id = $1 and first = 0`, id); err != nil { // it never said anything itself
		return err
	}
	_, err := ad.tx.ExecContext(ctx, `
		/* identity.blank */
		update record set doc = '{}', sealed = null, state = '', owner = '' where id = $1`, id)
	return err
}

// blankPerson does so for a person, who stays found by the key.
func (ad *admission) blankPerson(ctx context.Context, id cairn.PersonID) error {
	if err := ad.blank(ctx, id.Record()); err != nil {
		return err
	}
	var key string
	err := ad.tx.QueryRowContext(ctx, `
		/* identity.blankPerson */
		update person set name = '', mail = '', title = '', role = '', opted_out = 0 where id = $1 and erased = 0 returning key`, id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return putTokens(ctx, ad.tx, "person", id.ID, key)
}

// raise makes the row of an account that stands alone, unless it has one.
func (ad *admission) raise(ctx context.Context, id cairn.AccountID) error {
	var key string
	var first, since int64
	if err := ad.tx.QueryRowContext(ctx, `
		/* identity.raise */
		select i.key, i.first, coalesce((select min(s.first) from stream s where s.account = i.id and s.kind <> 'said'), 0) from identity i where i.id = $1`, id).
		Scan(&key, &first, &since); err != nil {
		return err
	}
	if since > 0 {
		first = since
	}
	// The version goes on where a row that was taken away may have been.
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.raise */
		insert into account (id, key, name, domain, owner, status, first, version)
		values ($1, $2, $2, '', '', 'customer', $3, $4)
		on conflict (id) do update set first = excluded.first`, id, key, first, cairn.Micros(ad.new[0].Seen)); err != nil {
		return err
	}
	return ad.accountTokens(ctx, id)
}

// lower takes away the row of an account that is another's name now, with
// what was measured of it. What was decided about it stays.
func (ad *admission) lower(ctx context.Context, id cairn.AccountID) error {
	delete(ad.due, id)
	delete(ad.dirty, id)
	for _, q := range []string{
		`/* identity.lower */ delete from account where id = $1`, // first: who marks it due locks this row
		`/* identity.lower */ delete from token where id = $1 and what = 'account'`,
		`/* identity.lower */ delete from due where account = $1`,
		`/* identity.lower */ delete from vector where account = $1`,
		`/* identity.lower */ delete from measure where account = $1`,
	} {
		if _, err := ad.tx.ExecContext(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// accountTokens makes an account found by its name, its domain and by every
// key under which it is known.
func (ad *admission) accountTokens(ctx context.Context, id cairn.AccountID) error {
	var name, domain string
	if err := ad.tx.QueryRowContext(ctx, `
		/* identity.accountTokens */
		select name, domain from account where id = $1`, id).Scan(&name, &domain); err != nil {
		return err
	}
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity.accountTokens */
		select `+identColumns+` from identity where root = $1 and what = 'account' order by case when id = $1 then 0 else 1 end, id limit 20`, id)
	if err != nil {
		return err
	}
	known, err := scanIdents(rows)
	if err != nil {
		return err
	}
	texts := []string{name, domain}
	for _, n := range known {
		texts = append(texts, n.key)
	}
	return putTokens(ctx, ad.tx, "account", id.ID, texts...)
}

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
			/* identity.settlePeople */
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
		/* identity.touchAccountsOf */
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
		/* identity.settleStream */
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
		/* identity.settleAside */
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
		/* identity.redraw */
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
		if _, err := ad.tx.ExecContext(ctx, `
			/* identity.redraw */
			delete from record where id = $1`, root); err != nil {
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
