package api

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A sourceTold is a source and how it is doing.
type sourceTold struct {
	Name     string         `json:"name" doc:"Of the source."`
	State    string         `json:"state" enum:"silent,untrusted,drifting,unusual,never heard,fine,heard" doc:"The worst of what is wrong with it. heard: nothing is agreed by which to tell."`
	Why      string         `json:"why" doc:"The same in words."`
	Space    string         `json:"space,omitempty" doc:"Absent: its ids are those that sources share; else it has ids of its own, under this name."`
	Several  string         `json:"several" doc:"What becomes of a call without an account whose user belongs to several: unclaimed, latest or primary."`
	Verifies bool           `json:"verifies" doc:"The domains of accounts that it states are verified: others are matched by them."`
	Cadence  string         `json:"cadence,omitempty" doc:"How often it is expected to send, in words; absent: its silence is not noticed."`
	Contract bool           `json:"contract" doc:"Whether there is an agreement about what it sends; cairn source show has it as text."`
	Rev      int            `json:"rev" doc:"Of its page in the book; 0: it was never set."`
	Total    arrivedTold    `json:"total" doc:"Of all time."`
	Hours    []arrivedTold  `json:"hours" doc:"The last 48 hours, oldest first."`
	Last     *time.Time     `json:"last,omitempty" doc:"When the newest record arrived; absent: never."`
	Keys     []keyTold      `json:"keys" doc:"Oldest first, also those that have ended. A key's text is told once and never here."`
	Alarms   []alarmTold    `json:"alarms" doc:"Those that last, the newest first."`
	Refused  []refusalCount `json:"refused" doc:"Why records were ever refused, the most first."`
}

type arrivedTold struct {
	Hour      *time.Time `json:"hour,omitempty" doc:"Of which; absent: of all."`
	Accepted  int64      `json:"accepted" doc:"Records taken about the day on which they arrived."`
	Late      int64      `json:"late" doc:"Records taken about an earlier day."`
	Duplicate int64      `json:"duplicate" doc:"Records that were there already."`
	Rejected  int64      `json:"rejected" doc:"Records that were refused."`
}

type keyTold struct {
	ID       int64      `json:"id" doc:"Of the key."`
	Name     string     `json:"name" doc:"What people call it."`
	Hint     string     `json:"hint" doc:"How it begins."`
	Scopes   []string   `json:"scopes" doc:"write, read, personal, manage."`
	State    string     `json:"state" doc:"active, expired or withdrawn."`
	Made     time.Time  `json:"made" doc:"When."`
	Expires  *time.Time `json:"expires,omitempty" doc:"Absent: never."`
	LastUsed string     `json:"last_used,omitempty" doc:"The day; absent: never."`
}

type alarmTold struct {
	ID     int64      `json:"id" doc:"Of the alarm."`
	Source string     `json:"source" doc:"That it is about."`
	Kind   string     `json:"kind" doc:"What is wrong. silence: it was not heard for longer than agreed. drift: a rule of its contract is broken again and again. distrust: so often that it is not measured by. volume: far less or more than usual." enum:"silence,drift,distrust,volume"`
	Rule   string     `json:"rule,omitempty" doc:"Of a drift: the event and the field."`
	Heard  *time.Time `json:"heard,omitempty" doc:"The last moment at which all was well."`
	Began  time.Time  `json:"began" doc:"When it was noticed."`
	Ended  *time.Time `json:"ended,omitempty" doc:"Absent: it lasts."`
	Stale  bool       `json:"stale" doc:"Signals that the source feeds are measured as of when it was heard."`
	Late   int64      `json:"late" doc:"Records that came later and are about that time."`
	Filled *time.Time `json:"filled,omitempty" doc:"Since when that time is measured by them; absent: they are too few."`
	Why    string     `json:"why" doc:"In words."`
}

func alarmOf(a ingest.Alarm) alarmTold {
	return alarmTold{a.ID, a.Source, string(a.Kind), a.Rule, timePointer(a.Heard), a.Began, timePointer(a.Ended), a.Stale, a.Late, timePointer(a.Filled), a.Why}
}

type refusalCount struct {
	Source    string    `json:"source" doc:"That sent them."`
	Code      string    `json:"code" doc:"Why, as in verdicts."`
	Field     string    `json:"field" doc:"What to correct; may be empty."`
	Refused   int64     `json:"refused" doc:"Ever."`
	Open      int64     `json:"open" doc:"That wait to be mended or dismissed."`
	Replayed  int64     `json:"replayed" doc:"That were sent again and taken."`
	Dismissed int64     `json:"dismissed" doc:"That somebody put aside."`
	Evicted   int64     `json:"evicted" doc:"Whose text had to make room for newer ones."`
	Last      time.Time `json:"last" doc:"When the newest came."`
}

func refusalCounts(list []ingest.RejectCount) []refusalCount {
	out := []refusalCount{}
	for _, c := range list {
		out = append(out, refusalCount{c.Source, c.Code, c.Field, c.Refused, c.Open(), c.Replayed, c.Dismissed, c.Evicted, c.Last})
	}
	return out
}

func arrivedOf(x ingest.Arrival) arrivedTold {
	return arrivedTold{timePointer(x.Hour), x.Accepted, x.Late, x.Duplicate, x.Rejected}
}

func (a *resources) sourceOf(ctx context.Context, by caller, s ingest.Summary, now time.Time) (sourceTold, error) {
	state, why := s.State()
	out := sourceTold{Name: s.Source.Name, State: string(state), Why: why, Space: string(s.Source.Space), Several: string(s.Source.Several),
		Verifies: s.Source.Verifies, Contract: s.Source.Contract != nil, Rev: s.Source.Rev, Total: arrivedOf(s.Total), Hours: []arrivedTold{},
		Last: timePointer(s.Total.Last), Keys: []keyTold{}, Alarms: []alarmTold{}}
	out.Total.Hour = nil
	if out.Several == "" {
		out.Several = string(ingest.Unclaimed)
	}
	if s.Source.Cadence != nil {
		out.Cadence = s.Source.Cadence.String()
	}
	for _, h := range s.Hours {
		out.Hours = append(out.Hours, arrivedOf(h))
	}
	for _, k := range s.Keys {
		state, _ := k.State(now)
		t := keyTold{k.ID, k.Name, k.Hint, []string{}, string(state), k.Made, timePointer(k.Expires), k.LastUsed}
		for _, scope := range k.Scopes {
			t.Scopes = append(t.Scopes, string(scope))
		}
		out.Keys = append(out.Keys, t)
	}
	for _, x := range s.Alarms {
		out.Alarms = append(out.Alarms, alarmOf(x))
	}
	counts, err := a.Rejects.RejectCounts(ctx, by.Scope(), s.Source.Name)
	out.Refused = refusalCounts(counts)
	return out, err
}

type sourcesTold struct {
	Sources []sourceTold `json:"sources" doc:"By name."`
}

type sourceAsked struct {
	Name string `path:"name" doc:"Of the source."`
}

type alarmsAsked struct {
	Source string `query:"source" doc:"Only of this source."`
	Since  string `query:"since" doc:"Also those that ended since this time or day, such as 2026-03-01; absent: only those that last."`
}

type alarmsTold struct {
	Alarms []alarmTold `json:"alarms" doc:"The newest first."`
}

func (a *resources) sources() {
	const group = "Sources"
	add(a, operation{http.MethodGet, "/sources", "list-sources", group, ingest.MayRead, "Every source and how it is doing", ""}, a.listSources)
	add(a, operation{http.MethodGet, "/sources/{name}", "get-source", group, ingest.MayRead, "One source", ""}, a.source)
	add(a, operation{http.MethodGet, "/alarms", "list-alarms", group, ingest.MayRead, "What is wrong with sources, or was", ""}, a.alarms)
}

func (a *resources) summaries(ctx context.Context, by caller, name string) ([]sourceTold, error) {
	now := a.Now()
	list, err := a.Sources.Summaries(ctx, by.Scope(), now)
	if err != nil {
		return nil, err
	}
	out := []sourceTold{}
	for _, s := range list {
		if name != "" && s.Source.Name != name {
			continue
		}
		told, err := a.sourceOf(ctx, by, s, now)
		if err != nil {
			return nil, err
		}
		out = append(out, told)
	}
	slices.SortFunc(out, func(x, y sourceTold) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

func (a *resources) listSources(ctx context.Context, by caller, _ *struct{}) (sourcesTold, error) {
	list, err := a.summaries(ctx, by, "")
	return sourcesTold{list}, err
}

func (a *resources) source(ctx context.Context, by caller, in *sourceAsked) (sourceTold, error) {
	list, err := a.summaries(ctx, by, in.Name)
	if err != nil {
		return sourceTold{}, err
	}
	if len(list) == 0 {
		return sourceTold{}, cairn.Errorf(cairn.NotFound, "There is no source called %q.", in.Name).At("name")
	}
	return list[0], nil
}

func (a *resources) alarms(ctx context.Context, by caller, in *alarmsAsked) (alarmsTold, error) {
	out := alarmsTold{[]alarmTold{}}
	since := a.Now()
	if in.Since != "" {
		var err error
		if since, err = momentOf("since", in.Since); err != nil {
			return out, err
		}
	}
	list, err := a.Sources.Alarms(ctx, by.Scope(), in.Source, since)
	for _, x := range list {
		out.Alarms = append(out.Alarms, alarmOf(x))
	}
	return out, err
}

// momentOf reads a time or a day.
func momentOf(field, text string) (time.Time, error) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, cairn.Errorf(cairn.Invalid, "It takes a day such as 2026-03-01 or a time such as 2026-03-01T12:00:00Z.").At(field)
}
