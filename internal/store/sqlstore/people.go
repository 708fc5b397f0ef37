package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
	"cairn/internal/signal"
)

// personColumns are what scanPerson reads, of person p.
const personColumns = `p.id, p.key, p.name, p.mail, p.title, p.role, p.opted_out, p.erased`

func scanPerson(rows interface{ Scan(...any) error }) (cairn.Person, error) {
	var p cairn.Person
	err := rows.Scan(&p.ID, &p.Key, &p.Name, &p.Mail, &p.Title, &p.Role, &p.OptedOut, &p.Erased)
	return p, err
}

// peopleAt selects who is at an account, which it is given twice: those whom
// events or sources place at one of its ids, and those whose own streams are
// its. Who is known under several ids is one.
const peopleAt = `
	select coalesce(i.root, m.person) from member m left join identity i on i.id = m.person
	where m.account in (select id from identity where holder = ?)
	union select person from stream where account = ? and kind = 'person'`

func newestFirst(records []cairn.Record) {
	slices.SortStableFunc(records, func(a, b cairn.Record) int {
		return cmp.Or(b.Last.Compare(a.Last), bytes.Compare(a.ID.ID[:], b.ID.ID[:]))
	})
}

// People returns who belongs to the account, last seen first, then by name;
// see [account.Store].
func (s *Store) People(ctx context.Context, scope cairn.Scope, id cairn.AccountID) ([]cairn.Person, error) {
	var st statement
	st.add(`
		/* people.People */
		select `+personColumns+` from person p where p.id in (`+peopleAt+`) and `, id, id)
	if !scope.Sees(id) {
		st.add(`1 = 0 and `)
	}
	st.add(`1 = 1 order by p.name, p.id`)
	out, err := s.people(ctx, &st)
	if err != nil || len(out) == 0 {
		return out, err
	}
	seen, err := s.lastSeen(ctx, id)
	if err != nil {
		return nil, err
	}
	for i := range out {
		out[i].Account = id
		out[i].LastSeen = seen[out[i].ID]
	}
	slices.SortStableFunc(out, func(a, b cairn.Person) int { return b.LastSeen.Compare(a.LastSeen) })
	return out, nil
}

func (s *Store) people(ctx context.Context, st *statement) ([]cairn.Person, error) {
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.Person
	for rows.Next() {
		p, err := scanPerson(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// daysLooked is how many days, from the newest with any event, are looked
// through for the last day of each person.
const daysLooked = 120

// lastSeen returns the last day of Meaningful Activity of each person in the
// account's streams, as its first moment, within daysLooked.
func (s *Store) lastSeen(ctx context.Context, id cairn.AccountID) (map[cairn.PersonID]time.Time, error) {
	people, missing, err := s.byNumber(ctx, id)
	if err != nil || missing == 0 {
		return nil, err
	}
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* people.lastSeen */
		select t.stream, t.day, t.product, t.name, t.people from tally t
		where t.gen = $1 and t.stream in (select id from stream where account = $2) and t.day > (
			select max(u.day) from tally u
			where u.gen = $1 and u.stream in (select id from stream where account = $2)) - $3
		order by t.day desc`, gen, id, daysLooked)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.PersonID]time.Time{}
	zone, m := s.zone(), s.Settings().Meaningful
	for missing > 0 && rows.Next() {
		var stream cairn.StreamID
		var day cairn.Day
		var product, name string
		var bits []byte
		if err := rows.Scan(&stream, &day, &product, &name, &bits); err != nil {
			return nil, err
		}
		if !m.Counts(signal.Everybody, product, name) {
			continue
		}
		here := roaring.New()
		if err := here.UnmarshalBinary(bits); err != nil {
			return nil, err
		}
		for num, p := range people[stream] {
			if !here.Contains(num) {
				continue
			}
			delete(people[stream], num)
			missing--
			if at := day.Start(zone); at.After(out[p]) {
				out[p] = at
			}
		}
	}
	return out, rows.Err()
}

// byNumber returns whom the numbers in the bitmaps of the account's streams
// stand for, and how many there are.
func (s *Store) byNumber(ctx context.Context, id cairn.AccountID) (map[cairn.StreamID]map[uint32]cairn.PersonID, int, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* people.byNumber */
		select n.stream, n.num, coalesce(i.root, n.person) from stream_person n left join identity i on i.id = n.person
		where n.stream in (select id from stream where account = $1)`, id)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	out, count := map[cairn.StreamID]map[uint32]cairn.PersonID{}, 0
	for rows.Next() {
		var stream cairn.StreamID
		var num uint32
		var p cairn.PersonID
		if err := rows.Scan(&stream, &num, &p); err != nil {
			return nil, 0, err
		}
		if out[stream] == nil {
			out[stream] = map[uint32]cairn.PersonID{}
		}
		out[stream][num] = p
		count++
	}
	return out, count, rows.Err()
}
