package ingest

import "testing"

func TestSomebodyIsFoundInMessagesThatNameThem(t *testing.T) {
	who := Sought{"u-4711-x", "ann@acme.example", "17"}
	for _, c := range []struct {
		name, message string
		want          bool
	}{
		{"as the user", `{"userId":"U-4711-X","event":""}`, true},
		{"as a value anywhere", `{"traits":{"made by":["bob","u-4711-x"]}}`, true},
		{"by an address in a text", `{"properties":{"note":"Ask Ann <Ann@acme.example>."}}`, true},
		{"in what is not JSON", `"userId":u-4711-x,`, true},
		{"by a short key where people are named", `{"user_id":17}`, true},
		{"a short key that is a number of something", `{"traits":{"seats":17},"count":17}`, false},
		{"the address of somebody else", `{"traits":{"email":"joann@acme.example","cc":"ann@acme.example.org"}}`, false},
		{"a key within a longer one", `{"userId":"u-4711-xy"}`, false},
		{"nothing", ``, false},
	} {
		if got := who.In(c.message); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
	if (Sought{""}).In(`{"userId":""}`) {
		t.Error("an empty key names nobody")
	}
}

func TestWhatAReasonQuotesIsMaskedUnlessTheRecordShowsIt(t *testing.T) {
	for _, c := range []struct{ masked, reason, want string }{
		{`{"event":"Saved"}`, `The contract has no event "Saved".`, `The contract has no event "Saved".`},
		{`{"note":"•••"}`, `"Ann \"the\" Other" is not a date.`, `"•••" is not a date.`},
		{"", `"Ann" is not a date.`, `"•••" is not a date.`},
		{"", "The time lies before 1970.", "The time lies before 1970."},
	} {
		if got := MaskReason(c.masked, c.reason); got != c.want {
			t.Errorf("%s: %s", c.reason, got)
		}
	}
}
