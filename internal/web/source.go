package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

func (s *site) sourceRoutes(mux *http.ServeMux) {
	mux.Handle("GET /sources", s.page(s.sources))
	mux.Handle("POST /sources", s.page(s.addSource))
	mux.Handle("GET /live/sources", s.page(s.sourcesLive))
	mux.Handle("GET /sources/{name}", s.page(s.source))
	mux.Handle("GET /live/sources/{name}", s.page(s.sourceLive))
	mux.Handle("GET /sources/{name}/contract", s.page(s.sourceContract))
	mux.Handle("POST /sources/{name}/contract", s.page(s.saveContract))
	mux.Handle("POST /sources/{name}/restore", s.page(s.restoreSource))
	mux.Handle("GET /sources/{name}/keys", s.page(s.sourceKeys))
	mux.Handle("POST /sources/{name}/keys", s.page(s.newSourceKey))
	mux.Handle("POST /sources/{name}/keys/{id}/rotate", s.page(s.rotateKey))
	mux.Handle("POST /sources/{name}/keys/{id}/change", s.page(s.changeKey))
	mux.Handle("POST /sources/{name}/keys/{id}/withdraw", s.page(s.withdrawKey))
}

// A sourcesView is the Sources page: every sender and what it sent.
type sourcesView struct {
	Sources []ingest.Summary
	Version string
}

// Alarmed are the sources of which something is wrong.
func (t sourcesView) Alarmed() (out []ingest.Summary) {
	for _, s := range t.Sources {
		if len(s.Alarms) > 0 {
			out = append(out, s)
		}
	}
	return out
}

// A sourceView is the page of one source.
type sourceView struct {
	ingest.Summary
	Rejects []ingest.Reject
	Past    []ingest.Alarm // of the last 90 days, also those that last
	History []sourceChange
	Key     string // just made; shown this once
	Version string
}

// Received is how many records the source ever sent.
func received(a ingest.Arrival) int64 { return a.Accepted + a.Late + a.Duplicate + a.Rejected }

// Silent reports whether nothing has arrived yet.
func (t sourcesView) Silent() bool {
	return !slices.ContainsFunc(t.Sources, func(s ingest.Summary) bool {
		return s.Source.Name != houseSource && received(s.Total) > 0
	})
}

// Sum adds up what all sources sent.
func (t sourcesView) Sum() (sum ingest.Arrival, today int64) {
	for _, s := range t.Sources {
		sum.Accepted += s.Total.Accepted
		sum.Late += s.Total.Late
		sum.Duplicate += s.Total.Duplicate
		sum.Rejected += s.Total.Rejected
		for _, h := range s.Hours[max(0, len(s.Hours)-24):] {
			today += h.Accepted + h.Late
		}
	}
	return sum, today
}

func sourceVersion(all []ingest.Summary) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%s.%d.%d.%d.%v.", s.Source.Name, received(s.Total), s.Total.Rejected, len(s.Keys), s.Alarms)
	}
	return cairn.HashID(b.String()).String()[:12]
}

func (s *site) sourcesView(r *http.Request, v View) (sourcesView, error) {
	all, err := s.Sources.Summaries(r.Context(), v.Scope(), v.Now)
	return sourcesView{Sources: all, Version: sourceVersion(all)}, err
}

func (s *site) sources(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.sourcesView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Sources", Active: "sources", Action: addSourceMenu(v)}, sourcesPage(v, t))
}

func (s *site) sourcesLive(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.sourcesView(r, v)
	switch {
	case err != nil:
		return err
	case t.Version == r.FormValue("v"):
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.write(w, r, http.StatusOK, sourcesUpdate(v, t))
}

// sourceSummary returns the source that the path names.
func (s *site) sourceSummary(r *http.Request, v View) (ingest.Summary, error) {
	name := r.PathValue("name")
	all, err := s.Sources.Summaries(r.Context(), v.Scope(), v.Now)
	if err != nil {
		return ingest.Summary{}, err
	}
	i := slices.IndexFunc(all, func(s ingest.Summary) bool { return s.Source.Name == name })
	if i < 0 {
		return ingest.Summary{}, cairn.Errorf(cairn.NotFound, "There is no source called “%s”.", name)
	}
	return all[i], nil
}

func (s *site) sourceView(r *http.Request, v View) (sourceView, error) {
	sum, err := s.sourceSummary(r, v)
	if err != nil {
		return sourceView{}, err
	}
	t := sourceView{Summary: sum, Version: sourceVersion([]ingest.Summary{sum})}
	if t.Rejects, err = s.Sources.Rejects(r.Context(), v.Scope(), sum.Source.Name, 50); err != nil {
		return t, err
	}
	if t.Past, err = s.Sources.Alarms(r.Context(), v.Scope(), sum.Source.Name, v.Now.AddDate(0, 0, -90)); err != nil {
		return t, err
	}
	t.History, err = s.sourceHistory(r, sum.Source.Name)
	return t, err
}

// sourceParts are the pages of one source.
var sourceParts = []struct{ Path, Label string }{{"", "Overview"}, {"keys", "Keys"}, {"contract", "Cadence and contract"}, {"rejects", "Rejected"}}

// sourceFrame is the frame of a page about one source; part is empty for its
// first page.
func sourceFrame(name, part string) Page {
	p := Page{Title: name, Active: "sources", Crumbs: []Crumb{{"Sources", "/sources"}}}
	if part != "" {
		p.Title, p.Crumbs = part, append(p.Crumbs, Crumb{name, "/sources/" + name})
	}
	return p
}

func (s *site) source(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.sourceView(r, v)
	if err != nil {
		return err
	}
	return s.showSource(w, r, v, t)
}

func (s *site) showSource(w http.ResponseWriter, r *http.Request, v View, t sourceView) error {
	return s.render(w, r, v, sourceFrame(t.Source.Name, ""), sourcePage(v, t))
}

func (s *site) sourceLive(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.sourceView(r, v)
	switch {
	case err != nil:
		return err
	case t.Version == r.FormValue("v"):
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.write(w, r, http.StatusOK, sourceUpdate(v, t))
}

var sourceName = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// addSource names a new sender and leads to its page.
func (s *site) addSource(w http.ResponseWriter, r *http.Request, v View) error {
	name := strings.ToLower(strings.TrimSpace(r.PostFormValue("name")))
	if !sourceName.MatchString(name) {
		return cairn.Errorf(cairn.Invalid, "A source's name has at most 40 small letters, digits, - and _, and begins with a letter.").At("name")
	}
	if _, err := s.Sources.Source(r.Context(), name); err == nil {
		return cairn.Errorf(cairn.Conflict, "There is a source called “%s” already.", name)
	} else if cairn.KindOf(err) != cairn.NotFound {
		return err
	}
	if err := s.Sources.SaveSource(r.Context(), v.Actor(), ingest.Source{Name: name, Several: ingest.Unclaimed}, "Added on the Sources page.", v.Now); err != nil {
		return err
	}
	http.Redirect(w, r, "/sources/"+name, http.StatusSeeOther)
	return nil
}

// A sample is one way to send the first event.
type sample struct{ ID, Name, Text string }

const noKey = "YOUR_WRITE_KEY"

// samples are ready to paste: they name this server and, when it was just
// made, the key.
func samples(v View, key string) []sample {
	if key == "" {
		key = noKey
	}
	host := strings.TrimPrefix(strings.TrimPrefix(v.Address, "https://"), "http://")
	scheme := "https"
	if strings.HasPrefix(v.Address, "http://") {
		scheme = "http"
	}
	fill := strings.NewReplacer("ADDRESS", v.Address, "HOST", host, "SCHEME", scheme, "KEY", key)
	return []sample{{"curl", "curl", fill.Replace(curlSample)}, {"node", "Node", fill.Replace(nodeSample)}, {"browser", "Browser", fill.Replace(browserSample)}}
}

const curlSample = `curl -sS -u "KEY:" ADDRESS/v1/batch \
  -H "Content-Type: application/json" -d '{
  "batch": [
    {"type": "group", "userId": "u-1", "groupId": "acme",
     "traits": {"name": "Acme", "domain": "acme.example"}},
    {"type": "track", "userId": "u-1", "event": "Report Created",
     "context": {"groupId": "acme"}}
  ]
}'`

const nodeSample = `// npm install @segment/analytics-node
import { Analytics } from '@segment/analytics-node'

const analytics = new Analytics({
  writeKey: 'KEY',
  host: 'ADDRESS',
})

analytics.group({ userId: 'u-1', groupId: 'acme', traits: { name: 'Acme' } })
analytics.track({
  userId: 'u-1',
  event: 'Report Created',
  context: { groupId: 'acme' },
})
await analytics.closeAndFlush()`

const browserSample = `// npm install @segment/analytics-next
import { AnalyticsBrowser } from '@segment/analytics-next'

export const analytics = AnalyticsBrowser.load(
  { writeKey: 'KEY', cdnURL: 'ADDRESS' },
  { integrations: { 'Segment.io': { apiHost: 'HOST/v1', protocol: 'SCHEME' } } },
)

analytics.identify('u-1')
analytics.group('acme', { name: 'Acme' })
analytics.track('Report Created')`

const importSample = `cairn import accounts.csv --kind accounts
cairn import events.csv.gz --kind events --map mapping.yaml --dry-run
cairn import events.csv.gz --kind events --map mapping.yaml`

// A bar is one hour of a source in the picture, in a box of 48 by 36.
type bar struct {
	X                  int
	Y, H, BadY, BadH   string
	Text               string
	Accepted, Rejected int64
}

func barsOf(v View, hours []ingest.Arrival, height float64) []bar {
	var most int64 = 1
	for _, h := range hours {
		most = max(most, received(h))
	}
	out := make([]bar, 0, len(hours))
	for i, h := range hours {
		tall := func(n int64) float64 {
			if n == 0 {
				return 0
			}
			return max(float64(n)/float64(most)*height, 1)
		}
		good, bad := tall(h.Accepted+h.Late+h.Duplicate), tall(h.Rejected)
		if good+bad > height {
			good = height - bad
		}
		from := h.Hour.In(v.Zone)
		b := bar{X: i, Y: fmt.Sprintf("%.1f", height-good-bad), H: fmt.Sprintf("%.1f", good), BadY: fmt.Sprintf("%.1f", height-bad),
			BadH: fmt.Sprintf("%.1f", bad), Accepted: h.Accepted + h.Late, Rejected: h.Rejected,
			Text: fmt.Sprintf("%s to %s: %s accepted", from.Format("Mon 15:04"), from.Add(time.Hour).Format("15:04"), v.Count(h.Accepted+h.Late))}
		if h.Duplicate > 0 {
			b.Text += ", " + v.Count(h.Duplicate) + " sent twice"
		}
		if h.Rejected > 0 {
			b.Text += ", " + v.Count(h.Rejected) + " rejected"
		}
		out = append(out, b)
	}
	return out
}

// barsText is the picture in words.
func barsText(v View, hours []ingest.Arrival) string {
	var good, bad int64
	for _, h := range hours {
		good += h.Accepted + h.Late
		bad += h.Rejected
	}
	return fmt.Sprintf("In 48 hours: %s accepted, %s rejected", v.Count(good), v.Count(bad))
}

// pretty indents JSON for reading.
func pretty(body string) string {
	var x any
	if json.Unmarshal([]byte(body), &x) != nil {
		return body
	}
	b, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return body
	}
	return string(b)
}
