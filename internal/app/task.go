package app

import (
	"context"
	"encoding/json"

	"cairn"
	"cairn/internal/ingest"
)

// taskDoer makes the task of a planned action: an event like any other, under
// the action's key, so that asking twice makes one.
type taskDoer struct{ a *App }

func (t taskDoer) Do(ctx context.Context, act cairn.Action) (string, error) {
	if act.Task == nil {
		return "", cairn.Errorf(cairn.Invalid, "The action names no task.")
	}
	acct, err := t.a.Store.Named(ctx, act.Account.ID) // which may be another's name by now
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(act.Task)
	if err != nil {
		return "", err
	}
	var fields map[string]any
	if err := json.Unmarshal(body, &fields); err != nil {
		return "", err
	}
	vs, err := t.a.Door.Admit(ctx, houseSource, []ingest.Record{{
		Kind: cairn.OfTask, Name: "planned", ID: act.Key, At: act.At, Stamp: act.At,
		Keys: cairn.Keys{Account: acct.Key, Record: act.Key}, In: acct.Space, Props: fields,
	}})
	if err != nil {
		return "", err
	}
	if v := vs[0]; v.Status == ingest.Rejected {
		return "", cairn.Errorf(cairn.Invalid, "The task was refused: %s", v.Reason).At(v.Field)
	}
	return "task " + act.Key, nil
}

// houseSource is Cairn itself. What a play plans is written by Cairn, so its
// words are plain; a person's are not sent through here.
var houseSource = ingest.Source{Name: "cairn", Plain: []string{"title", "why", "reasons", "owner", "type", "play"}}
