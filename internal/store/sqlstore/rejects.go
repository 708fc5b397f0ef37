package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// DefaultRejects is how many rejects of one source are kept.
const DefaultRejects = 10_000

// maxRejectBody is how many bytes of a reject are kept.
const maxRejectBody = 32 << 10

// KeepRejects sets how many rejects of one source are kept; 0 is
// [DefaultRejects].
func (s *Store) KeepRejects(n int) { s.maxRejects.Store(int64(n)) }

func (s *Store) rejectsKept() int {
	if n := s.maxRejects.Load(); n > 0 {
		return int(n)
	}
	return DefaultRejects
}

// A rejectReason is what rejects are counted by.
type rejectReason struct{ source, code, field string }

// A rejectChange is what is added to the counts of a reason.
type rejectChange struct{ refused, replayed, dismissed, evicted, last int64 }

// keepRejects keeps what a source sent and was refused, counts it, and makes
// room.
func (s *Store) keepRejects(ctx context.Context, tx *Tx, source string, rejects []ingest.Reject, fresh map[cairn.ID]subjectKey) error {
	if len(rejects) == 0 {
		return nil
	}
	counts := map[rejectReason]*rejectChange{}
	for _, r := range rejects {
		c := changeOf(counts, rejectReason{source, r.Code, r.Field})
		c.refused++
		c.last = max(c.last, cairn.Micros(r.Seen))
	}
	most := s.rejectsKept()
	if over := len(rejects) - most; over > 0 {
		for _, r := range rejects[:over] {
			changeOf(counts, rejectReason{source, r.Code, r.Field}).evicted++
		}
		rejects = rejects[over:]
	}
	if err := s.insertRejects(ctx, tx, source, rejects, fresh); err != nil {
		return err
	}
	if err := evictRejects(ctx, tx, source, most, counts); err != nil {
		return err
	}
	return s.countRejects(ctx, tx, counts)
}

func changeOf(counts map[rejectReason]*rejectChange, k rejectReason) *rejectChange {
	c := counts[k]
	if c == nil {
		c = &rejectChange{}
		counts[k] = c
	}
	return c
}

// rejectSubject is whose key seals what was refused: the person's whom it
// names, else the source's.
func rejectSubject(source string, person cairn.PersonID) cairn.ID {
	if !person.IsZero() {
		return person.ID
	}
	return cairn.HashID("source", source)
}

func (s *Store) insertRejects(ctx context.Context, tx *Tx, source string, rejects []ingest.Reject, fresh map[cairn.ID]subjectKey) error {
	last, err := serial(ctx, tx, "reject", len(rejects))
	if err != nil {
		return err
	}
	n := len(rejects)
	ids, seen, idx, file, closed := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	texts := func() []string { return make([]string, n) }
	sources, states, codes, fields, none := texts(), texts(), texts(), texts(), texts()
	sealed, reasons, people := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i, r := range rejects {
		ids[i], sources[i], states[i] = last-int64(n-1-i), source, string(ingest.RejectOpen)
		seen[i], idx[i] = cairn.Micros(r.Seen), int64(r.Index)
		codes[i], fields[i], people[i] = r.Code, r.Field, bytesOf(r.Person.ID)
		if r.File {
			file[i] = 1
		}
		subject := rejectSubject(source, r.Person)
		key, err := s.sealer(ctx, tx, subject, fresh)
		if err != nil {
			return err
		}
		if r.Reason != "" {
			reasons[i] = sealWith(key, subject, []byte(r.Reason))
		}
		if r.Body != "" {
			sealed[i] = sealWith(key, subject, []byte(r.Body[:min(len(r.Body), maxRejectBody)]))
		}
	}
	return s.engine.Insert(ctx, tx, "reject", "", Col{"id", ids}, Col{"source", sources}, Col{"state", states}, Col{"seen", seen},
		Col{"idx", idx}, Col{"file", file}, Col{"code", codes}, Col{"field", fields}, Col{"reason", reasons}, Col{"actor", none},
		Col{"closed", closed}, Col{"outcome", none}, Col{"person", people}, Col{"sealed", sealed})
}

// evictRejects makes room for the newest: what is closed goes first, then the
// oldest that are open, which are counted.
func evictRejects(ctx context.Context, tx *Tx, source string, most int, counts map[rejectReason]*rejectChange) error {
	var n int
	if err := tx.QueryRowContext(ctx, `
		/* rejects.evictRejects */
		select count(*) from reject where source = $1`, source).Scan(&n); err != nil {
		return err
	}
	for _, state := range []ingest.RejectState{ingest.RejectReplayed, ingest.RejectDismissed, ingest.RejectOpen} {
		if n <= most {
			return nil
		}
		rows, err := tx.QueryContext(ctx, `
			/* rejects.evictRejects */
			delete from reject where id in (select id from reject where source = $1 and state = $2 order by id limit $3)
			returning code, field`, source, string(state), n-most)
		if err != nil {
			return err
		}
		gone, err := scanReasons(rows, source)
		if err != nil {
			return err
		}
		n -= len(gone)
		if state != ingest.RejectOpen {
			continue
		}
		for _, k := range gone {
			changeOf(counts, k).evicted++
		}
	}
	return nil
}

func scanReasons(rows *sql.Rows, source string) ([]rejectReason, error) {
	defer rows.Close()
	var out []rejectReason
	for rows.Next() {
		k := rejectReason{source: source}
		if err := rows.Scan(&k.code, &k.field); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// countRejects adds to the counts that are kept for ever.
func (s *Store) countRejects(ctx context.Context, tx *Tx, counts map[rejectReason]*rejectChange) error {
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b rejectReason) int { // one order for all, or writers deadlock
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.code, b.code), cmp.Compare(a.field, b.field))
	})
	n := len(keys)
	sources, codes, fields := make([]string, n), make([]string, n), make([]string, n)
	refused, replayed, dismissed, evicted, last := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, k := range keys {
		c := counts[k]
		sources[i], codes[i], fields[i] = k.source, k.code, k.field
		refused[i], replayed[i], dismissed[i], evicted[i], last[i] = c.refused, c.replayed, c.dismissed, c.evicted, c.last
	}
	return s.engine.Insert(ctx, tx, "reject_count", `on conflict (source, code, field) do update set
		refused = reject_count.refused + excluded.refused, replayed = reject_count.replayed + excluded.replayed,
		dismissed = reject_count.dismissed + excluded.dismissed, evicted = reject_count.evicted + excluded.evicted,
		last = case when excluded.last > reject_count.last then excluded.last else reject_count.last end`,
		Col{"source", sources}, Col{"code", codes}, Col{"field", fields}, Col{"refused", refused}, Col{"replayed", replayed},
		Col{"dismissed", dismissed}, Col{"evicted", evicted}, Col{"last", last})
}

// RejectCounts returns why records of a source were refused, and how many; see
// [ingest.Rejects].
func (s *Store) RejectCounts(ctx context.Context, scope cairn.Scope, source string) ([]ingest.RejectCount, error) {
	var st statement
	st.add(`
		/* rejects.RejectCounts */
		select source, code, field, refused, replayed, dismissed, evicted, last from reject_count where `)
	st.whole(scope)
	if source != "" {
		st.add(` and source = ?`, source)
	}
	st.add(` order by refused desc, source, code, field`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ingest.RejectCount
	for rows.Next() {
		var c ingest.RejectCount
		var last int64
		if err := rows.Scan(&c.Source, &c.Code, &c.Field, &c.Refused, &c.Replayed, &c.Dismissed, &c.Evicted, &last); err != nil {
			return nil, err
		}
		c.Last = cairn.FromMicros(last)
		out = append(out, c)
	}
	return out, rows.Err()
}

// rejectsFound adds the conditions of a query, but for its text, which is
// sealed.
func (q *statement) rejectsFound(scope cairn.Scope, r ingest.RejectQuery) {
	q.whole(scope)
	if r.Source != "" {
		q.add(` and source = ?`, r.Source)
	}
	if !r.Any {
		q.add(` and state = ?`, string(cmp.Or(r.State, ingest.RejectOpen)))
	}
	if r.Code != "" {
		q.add(` and code = ?`, r.Code)
	}
	if r.Field != "" {
		q.add(` and field = ?`, r.Field)
	}
	if !r.From.IsZero() {
		q.add(` and seen >= ?`, cairn.Micros(r.From))
	}
	if !r.To.IsZero() {
		q.add(` and seen < ?`, cairn.Micros(r.To))
	}
	if r.Before > 0 {
		q.add(` and id < ?`, r.Before)
	}
	if len(r.IDs) > 0 {
		q.add(` and `)
		in(q, "id", r.IDs)
	}
}

// Refused returns rejects, newest first; see [ingest.Rejects].
func (s *Store) Refused(ctx context.Context, scope cairn.Scope, q ingest.RejectQuery) ([]ingest.Reject, error) {
	most := limit(q.Limit, 50, 1000)
	if len(q.IDs) > 1000 {
		return nil, cairn.Errorf(cairn.Invalid, "At most 1000 rejected records can be named at once.").At("ids")
	}
	var out []ingest.Reject
	err := s.scanRejects(ctx, scope, q, func(j ingest.Reject) bool {
		out = append(out, j)
		return len(out) < most
	})
	return out, err
}

// RefusedCount counts what Refused would return without a limit.
func (s *Store) RefusedCount(ctx context.Context, scope cairn.Scope, q ingest.RejectQuery) (n int64, err error) {
	q.Before = 0
	if q.Text == "" {
		var st statement
		st.add(`
			/* rejects.RefusedCount */
			select count(*) from reject where `)
		st.rejectsFound(scope, q)
		err = s.db.QueryRowContext(ctx, st.String(), st.args...).Scan(&n)
		return n, err
	}
	err = s.scanRejects(ctx, scope, q, func(ingest.Reject) bool { n++; return true })
	return n, err
}

// scanRejects hands what a query finds to keep, newest first, until that has
// enough. A page of rows is read at a time, since each must be unsealed.
func (s *Store) scanRejects(ctx context.Context, scope cairn.Scope, q ingest.RejectQuery, keep func(ingest.Reject) bool) error {
	const page = 200
	text := strings.ToLower(q.Text)
	for {
		some, err := s.rejectPage(ctx, scope, q, page)
		if err != nil {
			return err
		}
		for _, j := range some {
			if text != "" && !strings.Contains(strings.ToLower(j.Body), text) && !strings.Contains(strings.ToLower(j.Mended), text) {
				continue
			}
			if !keep(j) {
				return nil
			}
		}
		if len(some) < page {
			return nil
		}
		q.Before = some[len(some)-1].ID
	}
}

func (s *Store) rejectPage(ctx context.Context, scope cairn.Scope, q ingest.RejectQuery, most int) ([]ingest.Reject, error) {
	var st statement
	st.add(`
		/* rejects.rejectPage */
		select id, source, state, seen, idx, file, code, field, actor, closed, outcome, event, person, reason, again, sealed, mended
		from reject where `)
	st.rejectsFound(scope, q)
	st.add(` order by id desc limit ?`, most)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ingest.Reject
	var boxes []rejectBoxes
	for rows.Next() {
		var j ingest.Reject
		var b rejectBoxes
		var seen, closed int64
		if err := rows.Scan(&j.ID, &j.Source, &j.State, &seen, &j.Index, &j.File, &j.Code, &j.Field, &j.By,
			&closed, &j.Outcome, &j.Event, &j.Person, &b.reason, &b.again, &b.sent, &b.mended); err != nil {
			return nil, err
		}
		j.Seen, j.Closed = cairn.FromMicros(seen), cairn.FromMicros(closed)
		out, boxes = append(out, j), append(boxes, b)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // before keys are read, so that one connection is enough
	for i := range out {
		if err := s.openReject(ctx, &out[i], boxes[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rejectBoxes are the sealed parts of a reject.
type rejectBoxes struct{ reason, again, sent, mended []byte }

func (s *Store) openReject(ctx context.Context, j *ingest.Reject, b rejectBoxes) error {
	for _, p := range []struct {
		box []byte
		to  *string
	}{{b.reason, &j.Reason}, {b.sent, &j.Body}, {b.mended, &j.Mended}} {
		text, err := s.open(ctx, p.box)
		if err != nil {
			return err
		}
		*p.to = string(text)
	}
	again, err := s.open(ctx, b.again)
	if err != nil || len(again) == 0 {
		return err
	}
	return json.Unmarshal(again, &j.Again)
}

// Rejects returns the newest open rejects of a source (empty: of all), newest
// first.
func (s *Store) Rejects(ctx context.Context, scope cairn.Scope, source string, most int) ([]ingest.Reject, error) {
	return s.Refused(ctx, scope, ingest.RejectQuery{Source: source, Limit: most})
}

// MendRejects keeps messages as mended; see [ingest.Rejects].
func (s *Store) MendRejects(ctx context.Context, by cairn.Actor, texts map[int64]string) error {
	if by.Kind == "" {
		return cairn.Errorf(cairn.Forbidden, "Only who is signed in may mend what was rejected.")
	}
	fresh := map[cairn.ID]subjectKey{}
	err := s.write(ctx, People, func(tx *Tx) error {
		clear(fresh)
		for _, id := range slices.Sorted(maps.Keys(texts)) {
			if err := s.mendReject(ctx, tx, by, id, texts[id], fresh); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.keys.putAll(fresh)
	s.ring("page")
	return nil
}

func (s *Store) mendReject(ctx context.Context, tx *Tx, by cairn.Actor, id int64, text string, fresh map[cairn.ID]subjectKey) error {
	var source string
	var person cairn.PersonID
	err := tx.QueryRowContext(ctx, `
		/* rejects.mendReject */
		select source, person from reject where id = $1 and state <> 'replayed'`, id).Scan(&source, &person)
	if err == sql.ErrNoRows {
		return cairn.Errorf(cairn.NotFound, "There is no rejected record %d any more that could be mended.", id).At("id")
	}
	if err != nil {
		return err
	}
	var sealed []byte
	if text != "" {
		if sealed, err = s.sealReject(ctx, tx, rejectSubject(source, person), []byte(text), fresh); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, `
		/* rejects.mendReject */
		update reject set mended = $1, actor = $2 where id = $3`, sealed, by.Name, id)
	return err
}

func (s *Store) sealReject(ctx context.Context, tx *Tx, subject cairn.ID, plain []byte, fresh map[cairn.ID]subjectKey) ([]byte, error) {
	key, err := s.sealer(ctx, tx, subject, fresh)
	if err != nil {
		return nil, err
	}
	return sealWith(key, subject, plain), nil
}

// CloseRejects says what became of rejects; see [ingest.Rejects]. What was
// replayed stays so.
func (s *Store) CloseRejects(ctx context.Context, by cairn.Actor, at time.Time, closings []ingest.Closing) error {
	if by.Kind == "" {
		return cairn.Errorf(cairn.Forbidden, "Only who is signed in may close what was rejected.")
	}
	fresh := map[cairn.ID]subjectKey{}
	err := s.write(ctx, People, func(tx *Tx) error {
		clear(fresh)
		counts := map[rejectReason]*rejectChange{}
		for _, c := range closings {
			if err := s.closeReject(ctx, tx, by, at, c, counts, fresh); err != nil {
				return err
			}
		}
		return s.countRejects(ctx, tx, counts)
	})
	if err != nil {
		return err
	}
	for id, key := range fresh {
		s.keys.put(id, key)
	}
	s.ring("page")
	return nil
}

func (s *Store) closeReject(ctx context.Context, tx *Tx, by cairn.Actor, at time.Time, c ingest.Closing, counts map[rejectReason]*rejectChange, fresh map[cairn.ID]subjectKey) error {
	var k rejectReason
	var was ingest.RejectState
	var person cairn.PersonID
	err := tx.QueryRowContext(ctx, `
		/* rejects.closeReject */
		select source, code, field, state, person from reject where id = $1`, c.ID).Scan(&k.source, &k.code, &k.field, &was, &person)
	if err == sql.ErrNoRows || err == nil && was == ingest.RejectReplayed {
		return nil // it had to make room meanwhile, or somebody else was quicker
	}
	if err != nil {
		return err
	}
	var again []byte
	if c.Again != nil {
		b, err := json.Marshal(c.Again)
		if err != nil {
			return err
		}
		if again, err = s.sealReject(ctx, tx, rejectSubject(k.source, person), b, fresh); err != nil {
			return err
		}
	}
	closed := cairn.Micros(at)
	if c.State == ingest.RejectOpen {
		closed = 0
	}
	if _, err := tx.ExecContext(ctx, `
		/* rejects.closeReject */
		update reject set state = $1, actor = $2, closed = $3, outcome = $4, event = $5, again = $6 where id = $7`,
		string(c.State), by.Name, closed, string(c.Outcome), bytesOf(c.Event.ID), again, c.ID); err != nil {
		return err
	}
	n := changeOf(counts, k)
	switch {
	case c.State == was:
	case c.State == ingest.RejectReplayed:
		n.replayed++
	case c.State == ingest.RejectDismissed:
		n.dismissed++
	}
	if was == ingest.RejectDismissed && c.State != was {
		n.dismissed--
	}
	return nil
}
