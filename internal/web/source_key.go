package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A keyView is the page of a source's keys.
type keyView struct {
	ingest.Summary
	Made *ingest.Key // just made; Text is shown this once
	Text string
}

// Live are the keys that work, Ended the others, newest first.
func (t keyView) Live(now time.Time) []ingest.Key { return keysThat(t.Keys, now, true) }

// Ended are the keys that work no more, newest first.
func (t keyView) Ended(now time.Time) []ingest.Key { return keysThat(t.Keys, now, false) }

func keysThat(keys []ingest.Key, now time.Time, live bool) []ingest.Key {
	var out []ingest.Key
	for i := len(keys) - 1; i >= 0; i-- {
		if state, _ := keys[i].State(now); (state == ingest.KeyActive) == live {
			out = append(out, keys[i])
		}
	}
	return out
}

// ending reports whether a key ends soon.
func ending(k ingest.Key, now time.Time) bool {
	return !k.Expires.IsZero() && k.Expires.Before(now.AddDate(0, 0, 14))
}

func (s *site) keyView(r *http.Request, v View) (keyView, error) {
	sum, err := s.sourceSummary(r, v)
	if err == nil && sum.Source.Name == houseSource {
		err = cairn.Errorf(cairn.Forbidden, "What Cairn itself writes needs no key.")
	}
	return keyView{Summary: sum}, err
}

func (s *site) sourceKeys(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.keyView(r, v)
	if err != nil {
		return err
	}
	return s.showKeys(w, r, v, t)
}

func (s *site) showKeys(w http.ResponseWriter, r *http.Request, v View, t keyView) error {
	return s.render(w, r, v, sourceFrame(t.Source.Name, "Keys"), sourceKeysPage(v, t))
}

// newSourceKey makes a key and shows it, this once: among the keys, or where
// somebody connects a sender.
func (s *site) newSourceKey(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.keyView(r, v)
	if err != nil {
		return err
	}
	k, err := keyForm(r, v)
	if err != nil {
		return err
	}
	k.Source = t.Source.Name
	made, text, err := s.Sources.AddKey(r.Context(), v.Actor(), k, v.Now)
	if err != nil {
		return err
	}
	if r.PostFormValue("on") == "overview" {
		return s.connectWith(w, r, v, text)
	}
	return s.made(w, r, v, made, text)
}

// connectWith shows the page of the source with a new key in its snippets.
func (s *site) connectWith(w http.ResponseWriter, r *http.Request, v View, text string) error {
	t, err := s.sourceView(r, v)
	if err != nil {
		return err
	}
	t.Key = text
	if v.Partial {
		return s.write(w, r, http.StatusOK, sourceConnect(v, t))
	}
	return s.showSource(w, r, v, t)
}

func (s *site) made(w http.ResponseWriter, r *http.Request, v View, k ingest.Key, text string) error {
	t, err := s.keyView(r, v)
	if err != nil {
		return err
	}
	t.Made, t.Text = &k, text
	return s.showKeys(w, r, v, t)
}

// keyForm reads what a form says of a key.
func keyForm(r *http.Request, v View) (k ingest.Key, err error) {
	if err := r.ParseForm(); err != nil {
		return k, cairn.Errorf(cairn.Invalid, "The form could not be read.").Because(err)
	}
	k.Name = r.PostFormValue("name")
	for _, s := range r.PostForm["scope"] {
		k.Scopes = append(k.Scopes, ingest.KeyScope(s))
	}
	for _, kind := range r.PostForm["kind"] {
		k.Kinds = append(k.Kinds, cairn.EventKind(kind))
	}
	k.Origins = strings.Fields(strings.ReplaceAll(r.PostFormValue("origins"), ",", " "))
	k.Paths = strings.Fields(strings.ReplaceAll(r.PostFormValue("paths"), ",", " "))
	for name, n := range map[string]*int64{"per_second": &k.Limits.PerSecond, "burst": &k.Limits.Burst, "per_day": &k.Limits.PerDay} {
		if text := strings.TrimSpace(r.PostFormValue(name)); text != "" {
			if *n, err = strconv.ParseInt(text, 10, 64); err != nil {
				return k, cairn.Errorf(cairn.Invalid, "A limit is a whole number of records.").At(name)
			}
		}
	}
	if day := r.PostFormValue("expires"); day != "" {
		t, err := time.ParseInLocation(time.DateOnly, day, v.Zone)
		if err != nil {
			return k, cairn.Errorf(cairn.Invalid, "The day on which the key ends cannot be read.").At("expires")
		}
		k.Expires = t.AddDate(0, 0, 1).UTC() // at the end of that day
	}
	return k, nil
}

func keyID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, cairn.Errorf(cairn.NotFound, "There is no such key.")
	}
	return id, nil
}

func (s *site) rotateKey(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := keyID(r)
	if err != nil {
		return err
	}
	hours, err := strconv.Atoi(r.PostFormValue("overlap"))
	if err != nil || hours < 0 || hours > 24*366 {
		return cairn.Errorf(cairn.Invalid, "Say for how long the old key still works.").At("overlap")
	}
	k, text, err := s.Sources.RotateKey(r.Context(), v.Actor(), r.PathValue("name"), id, time.Duration(hours)*time.Hour, v.Now)
	if err != nil {
		return err
	}
	return s.made(w, r, v, k, text)
}

func (s *site) changeKey(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := keyID(r)
	if err != nil {
		return err
	}
	k, err := keyForm(r, v)
	if err != nil {
		return err
	}
	t, err := s.keyView(r, v)
	if err != nil {
		return err
	}
	for _, was := range t.Keys {
		if was.ID == id {
			k.Scopes = was.Scopes
			if expiryDay(v, was) == r.PostFormValue("expires") {
				k.Expires = was.Expires
			}
		}
	}
	k.ID, k.Source = id, t.Source.Name
	if _, err := s.Sources.ChangeKey(r.Context(), v.Actor(), k, v.Now); err != nil {
		return err
	}
	http.Redirect(w, r, "/sources/"+t.Source.Name+"/keys", http.StatusSeeOther)
	return nil
}

// expiryDay is the last day of a key, as a form holds it.
func expiryDay(v View, k ingest.Key) string {
	if k.Expires.IsZero() {
		return ""
	}
	return k.Expires.Add(-time.Microsecond).In(v.Zone).Format(time.DateOnly)
}

func (s *site) withdrawKey(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := keyID(r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if _, err := s.Sources.WithdrawKey(r.Context(), v.Actor(), name, id, r.PostFormValue("back") == "1", v.Now); err != nil {
		return err
	}
	http.Redirect(w, r, "/sources/"+name+"/keys", http.StatusSeeOther)
	return nil
}

// keyLimits says in words what a key is limited to.
func keyLimits(k ingest.Key) []string {
	var out []string
	if len(k.Kinds) > 0 {
		var kinds []string
		for _, kind := range k.Kinds {
			kinds = append(kinds, string(kind))
		}
		out = append(out, "only "+strings.Join(kinds, ", "))
	}
	if len(k.Origins) > 0 {
		out = append(out, "from "+strings.Join(k.Origins, ", "))
	}
	if k.Limits != (ingest.Limits{}) {
		out = append(out, "at most "+k.Limits.String())
	}
	if len(k.Paths) > 0 {
		out = append(out, "at "+strings.Join(k.Paths, ", "))
	}
	return out
}

// keyKinds are the kinds of records that a key can be limited to, with what
// people call them.
var keyKinds = []struct{ Kind, Label string }{
	{"track", "events"}, {"person", "people"}, {"account", "accounts"}, {"alias", "aliases"}, {"contract", "contracts"},
	{"invoice", "invoices"}, {"ticket", "tickets"}, {"answer", "answers"}, {"interaction", "interactions"}, {"task", "tasks"},
}

// limitText is a limit as a form holds it.
func limitText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func hasKind(k ingest.Key, kind string) bool {
	for _, have := range k.Kinds {
		if string(have) == kind {
			return true
		}
	}
	return false
}
