package app

import (
	"context"

	"cairn"
	"cairn/internal/account"
)

// People can be erased.
type People interface {
	// Erasing says what erasing whom sources call key would reach; nobody so
	// called is cairn.NotFound.
	Erasing(ctx context.Context, id cairn.PersonID, key string) (account.Erasure, error)
	// Erase erases a person for ever, under all ids.
	Erase(ctx context.Context, by cairn.Actor, id cairn.PersonID, key string) (account.Erasure, error)
	// Pepper is the secret under which people's keys are hashed.
	Pepper(ctx context.Context) (cairn.Pepper, error)
}

// Pepper is the secret under which people's keys are hashed; see [People].
func (a *App) Pepper(ctx context.Context) (cairn.Pepper, error) { return a.Store.Pepper(ctx) }

// Erasing says what erasing a person would reach; see [People].
func (a *App) Erasing(ctx context.Context, id cairn.PersonID, key string) (account.Erasure, error) {
	reach, err := a.Store.Erasing(ctx, id, key)
	if err == nil && reach.Nobody() {
		err = cairn.Errorf(cairn.NotFound, "Nobody is known by this id.").At("key")
	}
	return reach, err
}

// Erase erases a person; see [People].
func (a *App) Erase(ctx context.Context, by cairn.Actor, id cairn.PersonID, key string) (account.Erasure, error) {
	reach, err := a.Erasing(ctx, id, key)
	if err != nil {
		return reach, err
	}
	if reach, err = a.Store.Erase(ctx, by, id, key); err != nil {
		return reach, err
	}
	a.log.Info("a person was erased", "person", id.String(), "ids", len(reach.IDs), "rejects", len(reach.Rejects), "by", by.ID)
	return reach, nil
}
