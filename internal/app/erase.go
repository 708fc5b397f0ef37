package app

import (
	"context"

	"cairn"
)

// People can be erased.
type People interface {
	// ErasePerson erases whoever sources of the shared ids call key, and
	// returns who that was; nobody so called is cairn.NotFound.
	ErasePerson(ctx context.Context, by cairn.Actor, key string) (cairn.PersonID, error)
	// Pepper is the secret under which people's keys are hashed.
	Pepper(ctx context.Context) (cairn.Pepper, error)
}

// Pepper is the secret under which people's keys are hashed; see [People].
func (a *App) Pepper(ctx context.Context) (cairn.Pepper, error) { return a.Store.Pepper(ctx) }

// ErasePerson erases a person by the key that the product sends; see [People].
func (a *App) ErasePerson(ctx context.Context, by cairn.Actor, key string) (cairn.PersonID, error) {
	pepper, err := a.Store.Pepper(ctx)
	if err != nil {
		return cairn.PersonID{}, err
	}
	id := pepper.Person("", key)
	p, err := a.Store.Person(ctx, id)
	if err != nil {
		return id, err
	}
	if p.Erased {
		return id, nil
	}
	if err := a.Store.Erase(ctx, by, id); err != nil {
		return id, err
	}
	a.log.Info("a person was erased", "person", id.String(), "by", by.ID)
	return id, nil
}
