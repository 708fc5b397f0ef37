package sqlstore

import (
	"context"
	"maps"
	"slices"
	"time"

	"cairn"
	"cairn/internal/account"
)

// Compare fills in what merging would move; see [account.IdentityStore].
func (s *Store) Compare(ctx context.Context, scope cairn.Scope, p *account.Preview) error {
	kind := cairn.OfPerson
	if p.Into.What == cairn.AnAccount {
		kind = cairn.OfAccount
	}
	if err := s.compareCounts(ctx, kind, p); err != nil {
		return err
	}
	from, into := cairn.RecordID{ID: p.From.ID}, cairn.RecordID{ID: p.Into.ID}
	facts, boxes, err := s.factsUntil(ctx, []cairn.Record{{ID: from}, {ID: into}}, s.farAway())
	if err != nil {
		return err
	}
	choose := func(facts []cairn.Fact) map[string]cairn.Said {
		fields := s.Settings().Precedence.Choose(facts, time.Time{})
		for name, said := range fields {
			if box, ok := boxes[string(said.Value)]; ok {
				said.Value, err = s.open(ctx, box)
				fields[name] = said
			}
		}
		return fields
	}
	a, b, both := choose(facts[from]), choose(facts[into]), choose(append(slices.Clone(facts[from]), facts[into]...))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(both)) {
		x, inA := a[name]
		y, inB := b[name]
		if inA && inB && string(x.Value) != string(y.Value) && x.Value != nil && y.Value != nil {
			p.Clashes = append(p.Clashes, account.Clash{Field: name, From: x, Into: y, Then: both[name]})
		}
	}
	p.FromName, p.IntoName = nameIn(a, p.From), nameIn(b, p.Into)
	return nil
}

// farAway is later than any fact.
func (s *Store) farAway() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

func nameIn(fields map[string]cairn.Said, r cairn.Ref) string {
	rec := cairn.Record{Fields: fields}
	for _, f := range []string{"name", "domain", "email"} {
		if t := rec.Text(f); t != "" {
			return t
		}
	}
	return r.Key
}

func (s *Store) compareCounts(ctx context.Context, kind cairn.EventKind, p *account.Preview) error {
	if kind == cairn.OfPerson {
		return s.db.QueryRowContext(ctx, `
			/* identity_compare.compareCounts */
			select (select count(*) from stream where person = $1), 1,
				(select count(*) from record where person = $1 and kind <> 'person' and kind <> 'account'), 0`, p.From.ID).Scan(&p.Streams, &p.People, &p.Records, &p.Tasks)
	}
	// What waits with an account that waits is nobody's yet.
	if err := s.db.QueryRowContext(ctx, `
		/* identity_compare.compareCounts */
		select
			(select count(*) from stream where account = $1 and kind <> 'said')
				+ (select count(*) from stream where account is null and kind = 'account' and born in (select id from identity where root = $1)),
			(select count(*) from record where account = $1 and kind not in ('account', 'person'))
				+ (select count(*) from record where account is null and kind not in ('account', 'person') and named in (select id from identity where root = $1)),
			(select count(*) from record where account = $1 and kind = 'task' and state in ('open', 'snoozed')),
			(select count(distinct coalesce(i.root, m.person)) from member m left join identity i on i.id = m.person
				where m.account in (select id from identity where root = $1 and holder is null))`, p.From.ID).Scan(&p.Streams, &p.Records, &p.Tasks, &p.People); err != nil || p.People > 0 {
		return err
	}
	people, err := s.People(ctx, cairn.Everything, cairn.AccountID{ID: p.From.ID})
	p.People = len(people)
	return err
}
