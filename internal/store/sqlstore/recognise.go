package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
)

// What ids may be recognised by is kept where it is admitted. Whether they
// are is decided a moment later, by [account.Matcher], and said in an event.

// A handle is one thing that an id may be recognised by.
type handle struct {
	kind, value string
	source      string
	verified    bool
}

// recognisable are the fields that an account or a person may be recognised by.
var recognisable = map[cairn.EventKind][]string{
	cairn.OfAccount: {"domain", "website", "verified_domains", "email", "external_ids"},
	cairn.OfPerson:  {"email", "external_ids"},
}

// handlesOf returns what a source says with one field.
func handlesOf(kind cairn.EventKind, field string, value json.RawMessage, source string, src ingest.Source, pepper cairn.Pepper) []handle {
	var out []handle
	add := func(kind, value string, verified bool) {
		if value != "" && len(out) < 50 {
			out = append(out, handle{kind, value, source, verified})
		}
	}
	var v any
	if len(value) == 0 || json.Unmarshal(value, &v) != nil {
		return nil
	}
	text, _ := v.(string)
	switch field {
	case "domain", "website":
		add("domain", account.Domain(text), src.Verifies)
	case "verified_domains":
		for _, d := range textsOf(v) {
			add("domain", account.Domain(d), true)
		}
	case "email":
		if mail := account.Mail(text); mail != "" {
			add("mail", hashMail(pepper, mail), false)
			add("domain", account.Domain(mail), false)
		}
	case "external_ids":
		ids, _ := v.(map[string]any)
		for space, v := range ids {
			key, ok := v.(string)
			if !ok || key == "" {
				continue
			}
			in := ingest.SpaceCalled(space)
			if kind == cairn.OfAccount {
				add("ext", in.Account(key).String(), false)
			} else {
				add("ext", pepper.Person(in, key).String(), false)
			}
		}
	}
	return out
}

// textsOf returns a list of texts, or the parts of a text between commas.
func textsOf(v any) []string {
	switch v := v.(type) {
	case string:
		return strings.FieldsFunc(v, func(r rune) bool { return r == ',' || r == ' ' || r == ';' || r == '\n' })
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// hashMail is how an address is compared without being readable.
func hashMail(p cairn.Pepper, mail string) string { return p.Person("mail", mail).String() }

// recognise keeps what facts say that a record may be recognised by, and asks
// for a match where that changes something.
func (ad *admission) recognise(ctx context.Context, st *standing, facts []cairn.Fact) error {
	for _, f := range facts {
		if !slices.Contains(recognisable[st.kind], f.Field) {
			continue
		}
		if err := ad.recogniseBy(ctx, st, f); err != nil {
			return err
		}
	}
	return nil
}

func (ad *admission) recogniseBy(ctx context.Context, st *standing, f cairn.Fact) error {
	pepper, err := ad.s.Pepper(ctx)
	if err != nil {
		return err
	}
	src, err := ad.source(ctx, f.Source)
	if err != nil {
		return err
	}
	have, err := ad.handles(ctx, st.id, f.Field)
	if err != nil {
		return err
	}
	if slices.Equal(sortedHandles(handlesOf(st.kind, f.Field, f.Value, f.Source, src, pepper)), have) {
		return nil // the usual case: the same again
	}
	said, _, err := ad.choose(ctx, []cairn.ID{st.id.ID}, f.Field)
	if err != nil {
		return err
	}
	if src, err = ad.source(ctx, said.Source); err != nil {
		return err
	}
	want := sortedHandles(handlesOf(st.kind, f.Field, said.Value, said.Source, src, pepper))
	if slices.Equal(want, have) {
		return nil
	}
	if _, err := ad.tx.ExecContext(ctx, `
		/* recognise */
		delete from handle where subject = $1 and field = $2`, st.id, f.Field); err != nil {
		return err
	}
	for _, h := range want {
		if _, err := ad.tx.ExecContext(ctx, `
			/* recognise */
			insert into handle (kind, value, subject, what, field, source, space, verified) values ($1, $2, $3, $4, $5, $6, $7, $8)
			on conflict do nothing`, h.kind, h.value, st.id, string(st.kind), f.Field, said.Source, string(src.Space), one(h.verified)); err != nil {
			return err
		}
		if !slices.Contains(have, h) {
			if err := ad.askOthers(ctx, st, h); err != nil {
				return err
			}
		}
	}
	return nil
}

func sortedHandles(hs []handle) []handle {
	slices.SortFunc(hs, func(a, b handle) int { return strings.Compare(a.kind+" "+a.value, b.kind+" "+b.value) })
	return slices.Compact(hs)
}

func (ad *admission) handles(ctx context.Context, id cairn.RecordID, field string) ([]handle, error) {
	rows, err := ad.tx.QueryContext(ctx, `
		/* recognise.handles */
		select kind, value, source, verified from handle where subject = $1 and field = $2`, id, field)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []handle
	for rows.Next() {
		var h handle
		if err := rows.Scan(&h.kind, &h.value, &h.source, &h.verified); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return sortedHandles(out), rows.Err()
}

// askOthers asks for a match of a record with whoever shares a handle that is
// new, if anybody does.
func (ad *admission) askOthers(ctx context.Context, st *standing, h handle) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* recognise.askOthers */
		select h.subject, h.what from handle h where h.kind = $1 and h.value = $2 and h.subject <> $3
		order by h.subject limit 50`, h.kind, h.value, st.id)
	if err != nil {
		return err
	}
	defer rows.Close()
	type other struct {
		id   cairn.ID
		what cairn.What
	}
	var others []other
	for rows.Next() {
		var o other
		if err := rows.Scan(&o.id, &o.what); err != nil {
			return err
		}
		others = append(others, o)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	for _, o := range others {
		if err := ad.ask(ctx, o.id, o.what); err != nil {
			return err
		}
	}
	if len(others) == 0 && h.kind != "ext" {
		return nil
	}
	return ad.ask(ctx, st.id.ID, cairn.What(st.kind))
}

// askKnowers asks for a match of those who stated an id before it was met.
func (ad *admission) askKnowers(ctx context.Context, id cairn.ID) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* recognise.askKnowers */
		select distinct subject, what from handle where kind = 'ext' and value = $1`, id.String())
	if err != nil {
		return err
	}
	defer rows.Close()
	by := map[cairn.ID]cairn.What{}
	for rows.Next() {
		var other cairn.ID
		var what cairn.What
		if err := rows.Scan(&other, &what); err != nil {
			return err
		}
		by[other] = what
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	for other, what := range by {
		if err := ad.ask(ctx, other, what); err != nil {
			return err
		}
	}
	return nil
}

// ask has somebody be matched, a moment later.
func (ad *admission) ask(ctx context.Context, id cairn.ID, what cairn.What) error {
	ad.asked = true
	_, err := ad.tx.ExecContext(ctx, `
		/* recognise.ask */
		insert into unmatched (subject, what, mark) values ($1, $2, 1)
		on conflict (subject) do update set mark = unmatched.mark + 1`, id, string(what))
	return err
}

// parentOf returns the id of the parent that a record of an account names, in
// the space of who says so.
func (ad *admission) parentOf(ctx context.Context, r cairn.Record) (cairn.AccountID, error) {
	text := r.Text("parent")
	if text == "" {
		return cairn.AccountID{}, nil
	}
	if id, err := cairn.ParseID(text); err == nil {
		return cairn.AccountID{ID: id}, nil
	}
	src, err := ad.source(ctx, r.Fields["parent"].Source)
	return src.Space.Account(text), err
}

// Unmatched returns ids that may be recognised now; see [account.MatchStore].
func (s *Store) Unmatched(ctx context.Context, limit int) ([]account.Asked, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* recognise.Unmatched */
		select subject, what, mark from unmatched order by subject limit $1`, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []account.Asked
	for rows.Next() {
		var a account.Asked
		if err := rows.Scan(&a.ID, &a.What, &a.Mark); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, rows.Err()
}

// Answered forgets that somebody was asked about, unless they were again.
func (s *Store) Answered(ctx context.Context, as []account.Asked) error {
	return s.write(ctx, Turns, func(tx *Tx) error {
		for _, a := range as {
			if _, err := tx.ExecContext(ctx, `
				/* recognise.Answered */
				delete from unmatched where subject = $1 and mark = $2`, a.ID, a.Mark); err != nil {
				return err
			}
		}
		return nil
	})
}

// Chances returns whom an id may be another name of, or whose it may be; see
// [account.MatchStore].
func (s *Store) Chances(ctx context.Context, what cairn.What, id cairn.ID) (account.Found, error) {
	if what == cairn.AnAccount {
		return s.accountChances(ctx, id)
	}
	return s.personChances(ctx, id)
}

// A way is a query that finds chances: rows of id, key, space, name, detail
// and source.
type way struct {
	by   account.Evidence
	why  func(detail, source string) string
	text string
}

func (s *Store) accountChances(ctx context.Context, id cairn.ID) (account.Found, error) {
	var out account.Found
	var root, holder cairn.ID
	var first int64
	out.Subject = cairn.Ref{What: cairn.AnAccount, ID: id}
	err := s.db.QueryRowContext(ctx, `
		/* recognise.accountChances */
		select space, key, root, holder, first from identity where id = $1`, id).Scan(&out.Subject.Space, &out.Subject.Key, &root, &holder, &first)
	if errors.Is(err, sql.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Waits = holder.IsZero() && root == id
	if !out.Waits {
		return out, nil
	}
	ways := []way{
		{account.SameID, func(_, source string) string { return "its id, said by " + source }, `
			select a.id, a.key, i.space, a.name, '', h.source from handle h
			join identity n on n.what = 'account' and n.id = $2 join identity i on i.id = n.holder join account a on a.id = i.id
			where h.subject = $1 and h.kind = 'ext' and h.value = $3`},
		{account.SameID, func(_, source string) string { return "its id, said by " + source }, `
			select a.id, a.key, i.space, a.name, '', h.source from handle h
			join identity n on n.id = h.subject join identity i on i.id = n.holder join account a on a.id = i.id
			where h.kind = 'ext' and h.value = $2 and h.subject <> $1`},
		{account.SameDomain, func(d, source string) string { return "domain " + d + ", verified by " + source }, `
			select a.id, a.key, i.space, a.name, h.value, o.source from handle h
			join handle o on o.kind = 'domain' and o.value = h.value and o.verified = 1 and o.what = 'account'
			join identity n on n.id = o.subject join identity i on i.id = n.holder join account a on a.id = i.id
			where h.subject = $1 and h.kind = 'domain'`},
		{account.SameMail, func(_, source string) string { return "e-mail of a known person, said by " + source }, `
			select a.id, a.key, i.space, a.name, '', h.source from handle h
			join handle o on o.kind = 'mail' and o.value = h.value and o.what = 'person' and o.subject <> $1
			left join identity p on p.id = o.subject
			join member m on m.said = 1 and m.person in (select o.subject union select g.id from identity g where g.root = p.root)
			join identity n on n.id = m.account join identity i on i.id = n.holder join account a on a.id = i.id
			where h.subject = $1 and h.kind = 'mail'`},
		{account.SameMail, func(_, source string) string { return "e-mail of a known person, said by " + source }, `
			select a.id, a.key, i.space, a.name, '', w.source from member w
			join identity p on p.id = w.person
			join member m on m.said = 1 and m.person in (select g.id from identity g where g.root = p.root)
			join identity n on n.id = m.account join identity i on i.id = n.holder join account a on a.id = i.id
			where w.account = $1 and w.said = 1`},
		{account.LikeDomain, func(d, _ string) string { return "domain " + d + ", which nobody has verified" }, `
			select a.id, a.key, i.space, a.name, h.value, o.source from handle h
			join handle o on o.kind = 'domain' and o.value = h.value and o.verified = 0 and o.what = 'account' and o.subject <> $1
			join identity n on n.id = o.subject join identity i on i.id = n.holder join account a on a.id = i.id
			where h.subject = $1 and h.kind = 'domain'`},
	}
	ext, err := s.extOf(ctx, id)
	if err != nil {
		return out, err
	}
	for i, w := range ways {
		switch {
		case i == 0:
			for _, target := range ext {
				if err := s.chances(ctx, &out.Accounts, w, id, target, target.String()); err != nil {
					return out, err
				}
			}
		case strings.Contains(w.text, "$2"):
			err = s.chances(ctx, &out.Accounts, w, id, id.String())
		default:
			err = s.chances(ctx, &out.Accounts, w, id)
		}
		if err != nil {
			return out, err
		}
	}
	if err := s.likeNamed(ctx, &out); err != nil {
		return out, err
	}
	return out, s.markUndone(ctx, id, cairn.Into, out.Accounts)
}

// extOf returns the ids that a subject's sources say are the same.
func (s *Store) extOf(ctx context.Context, id cairn.ID) ([]cairn.ID, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* recognise.extOf */
		select value from handle where subject = $1 and kind = 'ext'`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.ID
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if id, err := cairn.ParseID(text); err == nil {
			out = append(out, id)
		}
	}
	return out, rows.Err()
}

func (s *Store) chances(ctx context.Context, into *[]account.Chance, w way, args ...any) error {
	rows, err := s.db.QueryContext(ctx, `/* recognise.chances */`+w.text+` limit 20`, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		c := account.Chance{Who: cairn.Ref{What: cairn.AnAccount}, By: w.by}
		var detail, source string
		if err := rows.Scan(&c.Who.ID, &c.Who.Key, &c.Who.Space, &c.Name, &detail, &source); err != nil {
			return err
		}
		c.Why = w.why(detail, source)
		if !slices.ContainsFunc(*into, func(o account.Chance) bool { return o.Who.ID == c.Who.ID && o.By <= c.By }) {
			*into = append(*into, c)
		}
	}
	return rows.Err()
}

// likeNamed suggests accounts of the same name.
func (s *Store) likeNamed(ctx context.Context, out *account.Found) error {
	var doc string
	err := s.db.QueryRowContext(ctx, `
		/* recognise.likeNamed */
		select doc from record where id = $1`, out.Subject.ID).Scan(&doc)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	r := cairn.Record{}
	if err := json.Unmarshal([]byte(doc), &r.Fields); err != nil {
		return err
	}
	name := r.Text("name")
	if name == "" {
		return nil
	}
	return s.chances(ctx, &out.Accounts, way{account.LikeName, func(_, _ string) string { return "the same name" }, `
		select a.id, a.key, i.space, a.name, '', '' from account a join identity i on i.id = a.id where lower(a.name) = lower($1)`}, name)
}

// markUndone notes the chances that were said before and taken back.
func (s *Store) markUndone(ctx context.Context, id cairn.ID, slot cairn.Slot, chances []account.Chance) error {
	rows, err := s.db.QueryContext(ctx, `
		/* recognise.markUndone */
		select coalesce(i.root, t.target) from tie t left join identity i on i.id = t.target
		where t.subject = $1 and t.slot = $2 and t.undone = 1`, id, string(slot))
	if err != nil {
		return err
	}
	undone, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for i := range chances {
		chances[i].Undone = slices.Contains(undone, chances[i].Who.ID)
	}
	return nil
}

// personChances returns who a person may be, and where one who is at no
// account may belong.
func (s *Store) personChances(ctx context.Context, id cairn.ID) (account.Found, error) {
	out := account.Found{Subject: cairn.Ref{What: cairn.APerson, ID: id}}
	var root cairn.ID
	err := s.db.QueryRowContext(ctx, `
		/* recognise.personChances */
		select coalesce(i.root, p.id) from person p left join identity i on i.id = p.id where p.id = $1 and p.erased = 0`, id).Scan(&root)
	if errors.Is(err, sql.ErrNoRows) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	out.Root = root
	ext, err := s.extOf(ctx, id)
	if err != nil {
		return out, err
	}
	for _, target := range ext {
		if err := s.people1(ctx, &out.People, account.SameID, "its id, said by ", root, `
			/* recognise.personChances */
			select coalesce(i.root, p.id), h.source, $4, h.space from handle h join person p on p.id = $1 and p.erased = 0 left join identity i on i.id = p.id
			where h.subject = $2 and h.kind = 'ext' and h.value = $3`, target, id, target.String(), ""); err != nil {
			return out, err
		}
	}
	if err := s.people1(ctx, &out.People, account.SameMail, "the same e-mail, said by ", root, `
		/* recognise.personChances */
		select coalesce(i.root, p.id), o.source, o.space, h.space from handle h
		join handle o on o.kind = 'mail' and o.value = h.value and o.what = 'person' and o.subject <> $1 and o.space <> h.space
		join person p on p.id = o.subject and p.erased = 0 left join identity i on i.id = p.id
		where h.subject = $1 and h.kind = 'mail'`, id); err != nil {
		return out, err
	}
	if err := s.markUndone(ctx, id, cairn.Into, out.People); err != nil {
		return out, err
	}
	// A person who is at no account yet may be recognised by their domain.
	var waits, several bool
	if err := s.db.QueryRowContext(ctx, `
		/* recognise.personChances */
		select exists (select 1 from stream where person = $1 and account is null and kind <> 'said'),
			exists (select 1 from member m where m.said = 1 and (m.person = $1 or m.person in (select id from identity where root = $1)))`, root).Scan(&waits, &several); err != nil {
		return out, err
	}
	out.Waits = waits
	if !waits {
		return out, nil
	}
	if several {
		return out, s.chances(ctx, &out.Accounts, way{account.OneOf, func(_, source string) string { return "one of several accounts, said by " + source }, `
			select a.id, a.key, i.space, a.name, '', m.source from member m
			join identity n on n.id = m.account join identity i on i.id = n.holder join account a on a.id = i.id
			where m.said = 1 and (m.person = $1 or m.person in (select id from identity where root = $1))`}, root)
	}
	for _, w := range []way{
		{account.SameDomain, func(d, source string) string { return "domain " + d + ", verified by " + source }, `
			select a.id, a.key, i.space, a.name, h.value, o.source from handle h
			join handle o on o.kind = 'domain' and o.value = h.value and o.verified = 1 and o.what = 'account'
			join identity n on n.id = o.subject join identity i on i.id = n.holder join account a on a.id = i.id
			where h.kind = 'domain' and (h.subject = $1 or h.subject in (select id from identity where root = $1))`},
		{account.LikeDomain, func(d, _ string) string { return "domain " + d + ", which nobody has verified" }, `
			select a.id, a.key, i.space, a.name, h.value, o.source from handle h
			join handle o on o.kind = 'domain' and o.value = h.value and o.verified = 0 and o.what = 'account'
			join identity n on n.id = o.subject join identity i on i.id = n.holder join account a on a.id = i.id
			where h.kind = 'domain' and (h.subject = $1 or h.subject in (select id from identity where root = $1))`},
	} {
		if err := s.chances(ctx, &out.Accounts, w, root); err != nil {
			return out, err
		}
	}
	return out, s.markUndone(ctx, id, cairn.Home, out.Accounts)
}

// people1 reads rows of root, source, the other's space and this one's.
func (s *Store) people1(ctx context.Context, into *[]account.Chance, by account.Evidence, why string, root cairn.ID, text string, args ...any) error {
	rows, err := s.db.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		c := account.Chance{Who: cairn.Ref{What: cairn.APerson}, By: by}
		var source string
		var own cairn.Space
		if err := rows.Scan(&c.Who.ID, &source, &c.Who.Space, &own); err != nil {
			return err
		}
		c.Why, c.Own = why+source, own
		if c.Who.ID != root && !slices.ContainsFunc(*into, func(o account.Chance) bool { return o.Who.ID == c.Who.ID && o.By <= c.By }) {
			*into = append(*into, c)
		}
	}
	return rows.Err()
}
