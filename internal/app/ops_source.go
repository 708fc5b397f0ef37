package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A KeyMade is a key with its text, which is told this once.
type KeyMade struct {
	Key  ingest.Key `json:"key"`
	Text string     `json:"text"`
}

// SourceKeyAdd makes a key for a source; a source that is not known yet is
// made. Only the key's hash is kept.
var SourceKeyAdd = Op[ingest.Key, KeyMade]{"source-key-add", func(ctx context.Context, h House, k ingest.Key, _ func(Progress)) (out KeyMade, err error) {
	_, err = h.Sources.Source(ctx, k.Source)
	if err != nil && cairn.KindOf(err) == cairn.NotFound {
		err = h.Sources.SaveSource(ctx, cairn.House, ingest.Source{Name: k.Source, Several: ingest.Unclaimed}, "Made for its first key.", h.Now())
	}
	if err == nil {
		out.Key, out.Text, err = h.Sources.AddKey(ctx, cairn.House, k, h.Now())
	}
	return out, err
}}

// SourceKeys lists the keys of a source, or of all.
var SourceKeys = Op[string, []ingest.Key]{"source-keys", func(ctx context.Context, h House, source string, _ func(Progress)) ([]ingest.Key, error) {
	list, err := h.Sources.Summaries(ctx, cairn.Everything, h.Now())
	if err != nil {
		return nil, err
	}
	out, known := []ingest.Key{}, source == ""
	for _, s := range list {
		if source == "" || s.Source.Name == source {
			out, known = append(out, s.Keys...), true
		}
	}
	if !known {
		return nil, cairn.Errorf(cairn.NotFound, "There is no source called %q.", source).At("source")
	}
	return out, nil
}}

// A KeyName names a key of a source by its number, its name or its beginning.
type KeyName struct {
	Source string `json:"source"`
	Key    string `json:"key"`
}

func (n KeyName) find(ctx context.Context, h House) (ingest.Key, error) {
	keys, err := SourceKeys.Do(ctx, h, n.Source, nil)
	if err != nil {
		return ingest.Key{}, err
	}
	return ingest.FindKey(keys, n.Key, h.Now())
}

// A Rotation replaces a key.
type Rotation struct {
	KeyName
	Overlap time.Duration `json:"overlap"` // how long the old one still works
}

// SourceKeyRotate makes a key like another, which ends after an overlap.
var SourceKeyRotate = Op[Rotation, KeyMade]{"source-key-rotate", func(ctx context.Context, h House, r Rotation, _ func(Progress)) (out KeyMade, err error) {
	k, err := r.find(ctx, h)
	if err == nil {
		out.Key, out.Text, err = h.Sources.RotateKey(ctx, cairn.House, k.Source, k.ID, r.Overlap, h.Now())
	}
	return out, err
}}

// A KeyChange changes what is not nil.
type KeyChange struct {
	KeyName
	Name    *string            `json:"name,omitempty"`
	Expires *time.Time         `json:"expires,omitempty"` // zero: never
	Kinds   *[]cairn.EventKind `json:"kinds,omitempty"`
	Origins *[]string          `json:"origins,omitempty"`
	Paths   *[]string          `json:"paths,omitempty"`
	Limits  LimitChange        `json:"limits"`
}

// A LimitChange changes what is not nil.
type LimitChange struct {
	PerSecond *int64 `json:"per_second,omitempty"`
	Burst     *int64 `json:"burst,omitempty"`
	PerDay    *int64 `json:"per_day,omitempty"`
}

// SourceKeyChange changes what a key is called and limited to.
var SourceKeyChange = Op[KeyChange, ingest.Key]{"source-key-change", func(ctx context.Context, h House, c KeyChange, _ func(Progress)) (ingest.Key, error) {
	k, err := c.find(ctx, h)
	if err != nil {
		return k, err
	}
	set(&k.Name, c.Name)
	set(&k.Expires, c.Expires)
	set(&k.Kinds, c.Kinds)
	set(&k.Origins, c.Origins)
	set(&k.Paths, c.Paths)
	set(&k.Limits.PerSecond, c.Limits.PerSecond)
	set(&k.Limits.Burst, c.Limits.Burst)
	set(&k.Limits.PerDay, c.Limits.PerDay)
	return h.Sources.ChangeKey(ctx, cairn.House, k, h.Now())
}}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// A Withdrawal ends a key at once, or takes that back.
type Withdrawal struct {
	KeyName
	Back bool `json:"back"`
}

// SourceKeyWithdraw ends a key at once, or takes that back.
var SourceKeyWithdraw = Op[Withdrawal, ingest.Key]{"source-key-withdraw", func(ctx context.Context, h House, w Withdrawal, _ func(Progress)) (ingest.Key, error) {
	k, err := w.find(ctx, h)
	if err != nil {
		return k, err
	}
	return h.Sources.WithdrawKey(ctx, cairn.House, k.Source, k.ID, w.Back, h.Now())
}}

// A SourceTold is a source as people write it down.
type SourceTold struct {
	Source ingest.Source `json:"source"`
	Text   string        `json:"text"` // what is agreed with it, in YAML
}

// SourceShow tells what is agreed with a source.
var SourceShow = Op[string, SourceTold]{"source-show", func(ctx context.Context, h House, name string, _ func(Progress)) (out SourceTold, err error) {
	if out.Source, err = h.Sources.Source(ctx, name); err == nil {
		out.Text, err = out.Source.Text()
	}
	return out, err
}}

// A SourceText is what is to be agreed with a source, in YAML or JSON.
type SourceText struct {
	Source string `json:"source"`
	Text   string `json:"text"`
	Note   string `json:"note"`
}

// SourceSet writes down what is agreed with a source, as a new revision.
var SourceSet = Op[SourceText, ingest.Source]{"source-set", func(ctx context.Context, h House, t SourceText, _ func(Progress)) (ingest.Source, error) {
	src, err := h.Sources.Source(ctx, t.Source)
	if err != nil {
		return src, err
	}
	if src, err = src.ReadText(t.Text); err != nil {
		return src, err
	}
	if err = h.Sources.SaveSource(ctx, cairn.House, src, t.Note, h.Now()); err != nil {
		return src, err
	}
	return h.Sources.Source(ctx, t.Source)
}}

// A SourceRev names a revision of a source.
type SourceRev struct {
	Source string `json:"source"`
	Rev    int    `json:"rev"`
}

// SourceRestore makes an earlier revision of a source the newest.
var SourceRestore = Op[SourceRev, ingest.Source]{"source-restore", func(ctx context.Context, h House, q SourceRev, _ func(Progress)) (ingest.Source, error) {
	if err := ingest.RestoreSource(ctx, h.Sources, cairn.House, q.Source, q.Rev, 0, h.Now()); err != nil {
		return ingest.Source{}, err
	}
	return h.Sources.Source(ctx, q.Source)
}}

// SourceRevisions tells what was ever agreed with a source.
var SourceRevisions = Op[string, []ingest.SourceRevision]{"source-revisions", func(ctx context.Context, h House, name string, _ func(Progress)) ([]ingest.SourceRevision, error) {
	if _, err := h.Sources.Source(ctx, name); err != nil {
		return nil, err
	}
	return ingest.RevisionsOf(ctx, h.Sources, name)
}}

// A Suggestion is what the past of a source suggests to agree with it.
type Suggestion struct {
	Text    string        `json:"text"` // YAML, as SourceSet reads it
	Seen    []ingest.Seen `json:"seen"`
	Records int           `json:"records"` // that were looked at
}

// SourceSuggest looks at what a source sent lately.
var SourceSuggest = Op[string, Suggestion]{"source-suggest", func(ctx context.Context, h House, name string, _ func(Progress)) (out Suggestion, err error) {
	src, err := h.Sources.Source(ctx, name)
	if err != nil {
		return out, err
	}
	zone := time.UTC
	if h.Zone != nil {
		zone = h.Zone()
	}
	if src, out.Seen, out.Records, err = ingest.SuggestFor(ctx, h.Sources, src, zone, h.Now()); err == nil {
		out.Text, err = src.Text()
	}
	return out, err
}}

// An AlarmQuery asks what is wrong with a source (empty: with any), or was not
// longer ago than Since.
type AlarmQuery struct {
	Source string        `json:"source"`
	Since  time.Duration `json:"since"`
}

// SourceAlarms lists alarms, the newest first.
var SourceAlarms = Op[AlarmQuery, []ingest.Alarm]{"source-alarms", func(ctx context.Context, h House, q AlarmQuery, _ func(Progress)) ([]ingest.Alarm, error) {
	if q.Source != "" {
		if _, err := h.Sources.Source(ctx, q.Source); err != nil {
			return nil, err
		}
	}
	list, err := h.Sources.Alarms(ctx, cairn.Everything, q.Source, h.Now().Add(-q.Since))
	return append([]ingest.Alarm{}, list...), err
}}
