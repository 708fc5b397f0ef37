package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/store/sqlite"
)

// refusing is a company whose source segment sent n tracks without a name and
// one group with seats in words, on a real store.
func refusing(t *testing.T, n int) (*ingest.Mender, http.Handler) {
	c := refusingCompany(t, n)
	return c.mender, c.site()
}

func refusingCompany(t *testing.T, n int) *company {
	t.Helper()
	store, err := sqlite.Open(t.Context(), t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	door := ingest.New(store, func() time.Time { return noon })
	m := &ingest.Mender{Rejects: store, Door: door, Source: store.Source}
	if n > 0 {
		var batch []string
		for i := range n {
			batch = append(batch, fmt.Sprintf(`{"type":"track","userId":"ann-%d","messageId":"m-%d","properties":{"name":"Report <b>Created</b>"},"timestamp":"2026-01-02T03:04:05Z"}`, i, i))
		}
		batch = append(batch, `{"type":"group","groupId":"acme","messageId":"g","traits":{"seats":"a dozen","name":"Acme"}}`)
		e, err := ingest.ReadSegment("batch", []byte(`{"batch":[`+strings.Join(batch, ",")+`]}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := door.Admit(t.Context(), ingest.Source{Name: "segment"}, e.Records(noon)); err != nil {
			t.Fatal(err)
		}
	}
	c := fullCompany()
	c.mender = m
	return c
}

func TestThePagesOfWhatWasRefusedAreSoundEmptyAndFull(t *testing.T) {
	for name, n := range map[string]int{"empty": 0, "full": 70} {
		m, h := refusing(t, n)
		paths := []string{"/sources/segment/rejects", "/sources/segment/rejects?state=dismissed", "/sources/segment/rejects/patch",
			"/sources/segment/rejects?code=missing&field=event&text=ann-1&from=2020-01-01&to=2030-01-01", "/sources/segment/rejects?text=nowhere",
			"/sources/segment/rejects/patch?op=rename&path=properties.name&value=event"}
		if n > 0 {
			js, _ := m.Refused(t.Context(), cairn.Everything, ingest.RejectQuery{})
			paths = append(paths, fmt.Sprintf("/sources/segment/rejects/%d", js[0].ID))
		}
		for _, path := range paths {
			t.Run(name+path, func(t *testing.T) {
				res := ask(t, h, "GET", path, nil)
				if res.StatusCode != http.StatusOK {
					t.Fatalf("status %d\n%s", res.StatusCode, res.body)
				}
				if strings.Contains(res.body, "<b>Created</b>") {
					t.Error("what was sent stands in the page as markup")
				}
				sound(t, res.body)
			})
		}
		for _, path := range []string{"/sources/nobody/rejects", "/sources/segment/rejects/999999", "/sources/segment/rejects/x"} {
			if res := ask(t, h, "GET", path, nil); res.StatusCode != http.StatusNotFound {
				t.Errorf("%s: %d", path, res.StatusCode)
			}
		}
	}
	_, h := refusing(t, 1)
	if res := ask(t, h, "GET", "/sources/segment/rejects?from=soon", nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a day that is none: %d", res.StatusCode)
	}
}

func TestARejectIsEditedReplayedAndSaysWhatBecameOfIt(t *testing.T) {
	m, h := refusing(t, 1)
	js, err := m.Refused(t.Context(), cairn.Everything, ingest.RejectQuery{})
	if err != nil || len(js) != 2 {
		t.Fatal(js, err)
	}
	path := fmt.Sprintf("/sources/segment/rejects/%d", js[0].ID)
	if res := ask(t, h, "GET", path, nil); !strings.Contains(res.body, "It would be refused") || !strings.Contains(res.body, "seats") {
		t.Error("the page does not say why")
	}
	res := ask(t, h, "POST", path, form("do", "save", "text", `{"type":`))
	if res.StatusCode != 200 || !strings.Contains(res.body, "not a JSON object") || !strings.Contains(res.body, `{&#34;type&#34;:</textarea>`) {
		t.Errorf("a slip of the pen costs what was typed: %d", res.StatusCode)
	}
	good := strings.Replace(js[0].Body, `"a dozen"`, `12`, 1)
	if res := ask(t, h, "POST", path, form("do", "save", "text", good)); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d", res.StatusCode)
	}
	if res := ask(t, h, "GET", path, nil); !strings.Contains(res.body, "It would be taken") || !strings.Contains(res.body, "As it was sent") {
		t.Error("the mended record is not shown beside what was sent")
	}
	ask(t, h, "POST", path, form("do", "restore", "text", "x"))
	if j, _ := m.Reject(t.Context(), cairn.Everything, js[0].ID); j.Mended != "" {
		t.Error("the mending was not taken back")
	}
	ask(t, h, "POST", path, form("do", "replay", "text", good))
	if j, _ := m.Reject(t.Context(), cairn.Everything, js[0].ID); j.State != ingest.RejectReplayed || j.Outcome != ingest.Accepted || j.By != ada.Name {
		t.Errorf("%+v", j)
	}
	if res := ask(t, h, "GET", path, nil); !strings.Contains(res.body, "What became of it") {
		t.Error("the page does not say what became of it")
	}
	other := fmt.Sprintf("/sources/segment/rejects/%d", js[1].ID)
	for _, do := range []string{"dismiss", "reopen", "dismiss"} {
		if res := ask(t, h, "POST", other, form("do", do)); res.StatusCode != http.StatusSeeOther {
			t.Errorf("%s: %d", do, res.StatusCode)
		}
		res := ask(t, h, "GET", other, nil)
		sound(t, res.body)
	}
	if res := ask(t, h, "POST", other, form("do", "dance")); res.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestManyRejectsAreMendedFromThePreviewAndReplayed(t *testing.T) {
	m, h := refusing(t, 120)
	steps := url.Values{"csrf": {"csrf-of-ada"}, "code": {"missing"}, "field": {"event"}, "op": {"rename", "set", "drop", "drop"}, "path": {"properties.name", "properties.mended", "", ""}, "value": {"event", "true", "", ""}}
	res := ask(t, h, "GET", "/sources/segment/rejects/patch?"+steps.Encode(), nil)
	sound(t, res.body)
	if !strings.Contains(res.body, "would be taken") || !strings.Contains(res.body, "Mend and replay all 120") {
		t.Error("the preview does not say what would become of them")
	}
	if n, _ := m.RefusedCount(t.Context(), cairn.Everything, ingest.RejectQuery{}); n != 121 {
		t.Fatalf("%d after a preview", n)
	}
	steps.Set("do", "replay")
	res = ask(t, h, "POST", "/sources/segment/rejects/patch", steps)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	res = ask(t, h, "GET", res.Header.Get("Location"), nil)
	if !strings.Contains(res.body, "120 taken.") {
		t.Error("the list does not say what was done")
	}
	if n, _ := m.RefusedCount(t.Context(), cairn.Everything, ingest.RejectQuery{}); n != 1 {
		t.Errorf("%d are left open", n)
	}
	bad := url.Values{"csrf": {"csrf-of-ada"}, "op": {"convert"}, "path": {"a"}, "value": {"gold"}, "do": {"mend"}}
	if res := ask(t, h, "POST", "/sources/segment/rejects/patch", bad); res.StatusCode != 200 || !strings.Contains(res.body, "A value can be made") {
		t.Errorf("a step that cannot be: %d", res.StatusCode)
	}
	for do, want := range map[string]string{"dismiss": "1 dismissed", "replay": "Nothing was found"} {
		if do == "replay" {
			ask(t, h, "POST", "/sources/segment/rejects", form("do", "dismiss"))
		}
		res := ask(t, h, "POST", "/sources/segment/rejects", form("do", do))
		res = ask(t, h, "GET", res.Header.Get("Location"), nil)
		if !strings.Contains(res.body, want) {
			t.Errorf("%s: does not say %q", do, want)
		}
		ask(t, h, "POST", "/sources/segment/rejects", form("do", "reopen", "state", "dismissed"))
	}
	if res := ask(t, h, "POST", "/sources/segment/rejects", form("do", "dance")); res.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", res.StatusCode)
	}
}
