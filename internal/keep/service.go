package keep

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/signal"
)

// A Service is what pages and commands ask.
type Service struct {
	Store Store
	Book  book.Store
	Memos Memos
	// Settings are those in force: the zone, and the metrics.
	Settings func() signal.Settings
	Now      func() time.Time

	mu   sync.Mutex
	last Status    // of the room, with its level and without what grows
	at   time.Time // when it was looked at, by the machine's clock
}

func (s *Service) zone() *time.Location { return s.Settings().Zone }

func (s *Service) today() cairn.Day { return cairn.DayOf(s.Now(), s.zone()) }

// Policy returns the policy in force with its revision.
func (s *Service) Policy(ctx context.Context) (Policy, book.Revision, error) {
	return Read(ctx, s.Book)
}

// A Month is how much of something happened in a month.
type Month struct {
	Month string `json:"month"` // 2026-03
	N     int64  `json:"events"`
}

// A Row tells of one source's events of one name, as far as the log holds them
// one by one.
type Row struct {
	Key
	N        int64     `json:"events"`
	Bytes    int64     `json:"bytes"` // about
	PerDay   int64     `json:"bytes_per_day"`
	First    cairn.Day `json:"-"`
	Last     cairn.Day `json:"-"`
	Keep     string    `json:"keep"` // as [End.Span] says
	End      *End      `json:"end,omitempty"`
	Before   cairn.Day `json:"-"` // what happened before is past its end; 0: nothing ever is
	Due      int64     `json:"due_events"`
	DueBytes int64     `json:"due_bytes"`
	Months   []Month   `json:"due_months,omitempty"`
}

// MarshalJSON writes days as dates.
func (r Row) MarshalJSON() ([]byte, error) {
	type row Row
	return json.Marshal(struct {
		row
		First  string `json:"first"`
		Last   string `json:"last"`
		Before string `json:"kept_from,omitempty"`
	}{row(r), r.First.String(), r.Last.String(), dateOf(r.Before)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (r *Row) UnmarshalJSON(b []byte) error {
	type row Row
	var in struct {
		*row
		First  string `json:"first"`
		Last   string `json:"last"`
		Before string `json:"kept_from"`
	}
	in.row = (*row)(r)
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	r.First, r.Last, r.Before = dayOf(in.First), dayOf(in.Last), dayOf(in.Before)
	return nil
}

func dateOf(d cairn.Day) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func dayOf(text string) cairn.Day {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0
	}
	return cairn.DayOf(t, time.UTC)
}

// A Preview is what a policy means: what the log holds, what of it is past its
// end, and what becomes of definitions.
type Preview struct {
	Policy   Policy  `json:"policy"`
	Rows     []Row   `json:"rows"` // what takes most room first
	Events   int64   `json:"events"`
	Bytes    int64   `json:"bytes"`
	Due      int64   `json:"due_events"`
	DueBytes int64   `json:"due_bytes"`
	Months   []Month `json:"due_months,omitempty"`
	// Metrics that look into the properties of what is past its end. They stay
	// right: what their counters told is kept.
	Stays []string `json:"metrics_that_stay,omitempty"`
}

// paceDays is over how many days it is told how much arrives a day.
const paceDays = 28

// TryPolicy returns what a policy would mean as of now.
func (s *Service) TryPolicy(ctx context.Context, p Policy) (Preview, error) {
	p.Ends = sorted(p.Ends)
	out := Preview{Policy: p, Rows: []Row{}}
	if err := p.Check(); err != nil {
		return out, err
	}
	held, err := s.Store.Held(ctx)
	if err != nil {
		return out, err
	}
	weights, err := s.Store.Weights(ctx)
	if err != nil {
		return out, err
	}
	today, by, months := s.today(), map[Key]*Row{}, map[string]int64{}
	recent := map[Key]int64{}
	due := map[Key]map[string]int64{}
	for _, h := range held {
		r := by[h.Key]
		if r == nil {
			r = &Row{Key: h.Key, First: h.Day, Last: h.Day, Keep: End{ForEver: true}.Span(), Before: p.Before(h.Source, h.Event, today)}
			if e, ok := p.end(h.Source, h.Event); ok {
				r.End, r.Keep = &e, e.Span()
			}
			by[h.Key], due[h.Key] = r, map[string]int64{}
		}
		r.N += h.N
		r.First, r.Last = min(r.First, h.Day), max(r.Last, h.Day)
		if h.Day < today && h.Day >= today-paceDays {
			recent[h.Key] += h.N
		}
		if h.Day < r.Before {
			month := h.Day.String()[:7]
			r.Due += h.N
			due[h.Key][month] += h.N
			months[month] += h.N
		}
	}
	for k, r := range by {
		w := weightOf(weights, k)
		r.Bytes, r.DueBytes = int64(float64(r.N)*w), int64(float64(r.Due)*w)
		r.PerDay = int64(float64(recent[k]) * w / paceDays)
		r.Months = monthsOf(due[k])
		out.Events, out.Bytes, out.Due, out.DueBytes = out.Events+r.N, out.Bytes+r.Bytes, out.Due+r.Due, out.DueBytes+r.DueBytes
		out.Rows = append(out.Rows, *r)
	}
	slices.SortFunc(out.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), strings.Compare(a.Event, b.Event), strings.Compare(a.Source, b.Source))
	})
	out.Months = monthsOf(months)
	for _, m := range s.Settings().Metrics {
		if slices.ContainsFunc(out.Rows, func(r Row) bool { return r.End != nil && !r.End.ForEver && m.LooksInto(r.Event) }) {
			out.Stays = append(out.Stays, cmp.Or(m.Title, m.Name))
		}
	}
	return out, nil
}

func weightOf(weights map[Key]float64, k Key) float64 {
	if w, ok := weights[k]; ok {
		return w
	}
	return weights[Key{}]
}

func monthsOf(by map[string]int64) []Month {
	var out []Month
	for m, n := range by {
		out = append(out, Month{m, n})
	}
	slices.SortFunc(out, func(a, b Month) int { return strings.Compare(a.Month, b.Month) })
	return out
}

// Save puts a policy in force on top of revision base (0: whatever is newest).
// Nothing is dropped because of it before [Grace] is over.
func (s *Service) Save(ctx context.Context, by cairn.Actor, p Policy, base int, note string) (book.Revision, error) {
	if err := p.Check(); err != nil {
		return book.Revision{}, err
	}
	p.Ends = sorted(p.Ends)
	if p.Ends == nil {
		p.Ends = []End{}
	}
	body, err := json.Marshal(p)
	if err != nil {
		return book.Revision{}, err
	}
	if base == 0 {
		_, was, err := s.Policy(ctx)
		if err != nil {
			return book.Revision{}, err
		}
		base = was.Rev
	}
	defer s.forget()
	return s.Book.Write(ctx, by, Page, base, body, note, s.Now())
}

// With returns p with an end in place of the one for the same events.
func (p Policy) With(e End) Policy {
	p = p.Without(e.Source, e.Event)
	p.Ends = sorted(append(p.Ends, e))
	return p
}

// Without returns p without the end for a source and a name.
func (p Policy) Without(source, event string) Policy {
	p.Ends = slices.DeleteFunc(slices.Clone(p.Ends), func(e End) bool { return e.Source == source && e.Event == event })
	return p
}

// Says reports whether p has an end for exactly this source and name.
func (p Policy) Says(source, event string) bool {
	return slices.ContainsFunc(p.Ends, func(e End) bool { return e.Source == source && e.Event == event })
}

// History returns all revisions of the policy, newest first.
func (s *Service) History(ctx context.Context) ([]book.Revision, error) {
	return s.Book.Revisions(ctx, Page)
}

// Restore puts an earlier revision of the policy in force. What was dropped
// meanwhile does not come back.
func (s *Service) Restore(ctx context.Context, by cairn.Actor, rev int) (book.Revision, error) {
	all, err := s.History(ctx)
	if err != nil {
		return book.Revision{}, err
	}
	for _, r := range all {
		if r.Rev != rev {
			continue
		}
		var p Policy
		if err := json.Unmarshal(r.Body, &p); err != nil {
			return r, err
		}
		return s.Save(ctx, by, p, all[0].Rev, "As in revision "+itoa(rev)+".")
	}
	if rev == 0 && len(all) > 0 { // as before anybody set anything
		return s.Save(ctx, by, Policy{}, all[0].Rev, "Everything is kept for ever again.")
	}
	return book.Revision{}, cairn.Errorf(cairn.NotFound, "What is kept has no revision %d.", rev).At("rev")
}

// PolicyText writes a policy as people edit it; ParsePolicy reads it again.
func PolicyText(p Policy) (string, error) {
	return book.Text(p)
}

// ParsePolicy reads a policy as YAML or JSON. A field that is not known is
// refused.
func ParsePolicy(text string) (Policy, error) {
	var p Policy
	if err := book.Parse(text, &p); err != nil {
		return p, err
	}
	return p, p.Check()
}

// ParseBytes reads a size: 500 MB, 50 GB, 1.5 TB, or a number of bytes. Units
// are powers of a thousand, with an i of 1,024.
func ParseBytes(text string) (int64, error) {
	wrong := cairn.Errorf(cairn.Invalid, "A size is a number with its unit, such as 500 MB, 50 GB or 1.5 TB.").At("quota")
	text = strings.ToUpper(strings.TrimSpace(text))
	i := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	number, unit := text, ""
	if i >= 0 {
		number, unit = text[:i], strings.TrimSpace(text[i:])
	}
	times, ok := map[string]float64{
		"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12,
		"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
	}[unit]
	n, err := parseFloat(number)
	if err != nil || !ok || n*times > math.MaxInt64/2 {
		return 0, wrong
	}
	return int64(n * times), nil
}
