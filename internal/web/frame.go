package web

import (
	"encoding/json"
	"net/http"
)

// htmxConfig keeps htmx within the Content-Security-Policy, keeps no page in
// the browser's storage, and shows what went wrong instead of hiding it.
const htmxConfig = `{"allowEval":false,"includeIndicatorStyles":false,"historyCacheSize":0,"refreshOnHistoryMiss":true,` +
	`"scrollIntoViewOnBoost":false,"responseHandling":[{"code":"204","swap":false},{"code":"[23]..","swap":true},{"code":"[45]..","swap":true,"swapOverride":"none"}]}`

func headersJSON(v View) string {
	b, _ := json.Marshal(map[string]string{"X-CSRF-Token": v.Session.CSRF})
	return string(b)
}

func userName(v View) string {
	if v.Session.User.Name != "" {
		return v.Session.User.Name
	}
	return personName(v.Session.User.Mail)
}

// healthz says that the process answers. To start it anew would not bring a
// database back that is away.
func (s *site) healthz(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) }

// readyz says that this server may be sent requests: its store can be read.
func (s *site) readyz(w http.ResponseWriter, r *http.Request) {
	if s.Ready != nil {
		if err := s.Ready(); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
	}
	if _, err := s.Sources.Summaries(r.Context(), everything, s.Now()); err != nil {
		s.Log.Error("not ready", "error", err)
		http.Error(w, "the store cannot be read", http.StatusServiceUnavailable)
		return
	}
	w.Write([]byte("ok\n"))
}
