package outcome

import (
	"context"
	"slices"
	"sync"

	"cairn"
	"cairn/internal/watch"
)

// quotes remember what the records of one kind say of some fields, by account,
// until they change. They are lost with the process and only a shortcut.
type quotes struct {
	fields []string

	mu   sync.Mutex
	log  watch.Log
	seen int
	of   map[cairn.AccountID][][]cairn.Fact // by record; of those that were asked for
}

// mostQuoted is of how many accounts at most is remembered what they say.
const mostQuoted = 200_000

// each calls f with what each record of some accounts says. What is personal
// is asked for anew each time: of whoever is erased nothing stays here.
func (q *quotes) each(ctx context.Context, store LossStore, accounts []cairn.AccountID, f func(cairn.AccountID, []cairn.Fact)) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if err := q.refresh(ctx, store); err != nil {
		return err
	}
	var unknown []cairn.AccountID
	for _, a := range accounts {
		if _, ok := q.of[a]; !ok {
			unknown = append(unknown, a)
		}
	}
	fresh, err := q.ask(ctx, store, unknown)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		said, ok := q.of[a]
		if !ok {
			said = fresh[a]
			if !slices.ContainsFunc(said, personal) {
				q.of[a] = said
			}
		}
		for _, facts := range said {
			f(a, facts)
		}
	}
	return nil
}

func personal(facts []cairn.Fact) bool {
	return slices.ContainsFunc(facts, func(f cairn.Fact) bool { return f.Sealed })
}

// refresh forgets what has changed.
func (q *quotes) refresh(ctx context.Context, store LossStore) error {
	n, err := q.log.Look(ctx, store)
	if err != nil {
		return err
	}
	changed, known := q.log.Since(q.seen)
	if q.of == nil || !known || len(q.of) > mostQuoted {
		q.of = map[cairn.AccountID][][]cairn.Fact{}
	}
	for _, a := range changed {
		delete(q.of, a)
	}
	q.seen = n
	return nil
}

// atOnce is how many accounts are asked for together.
const atOnce = 500

func (q *quotes) ask(ctx context.Context, store LossStore, accounts []cairn.AccountID) (map[cairn.AccountID][][]cairn.Fact, error) {
	out := make(map[cairn.AccountID][][]cairn.Fact, len(accounts))
	for some := range slices.Chunk(accounts, atOnce) {
		err := store.Words(ctx, cairn.Scope{Accounts: some}, q.log.Kind, q.fields, func(a cairn.AccountID, _ cairn.RecordID, facts []cairn.Fact) error {
			out[a] = append(out[a], facts)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}
