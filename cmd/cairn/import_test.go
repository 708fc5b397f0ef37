package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func written(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func same(t *testing.T, what, want, got string) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got)\n%s", what, d)
	}
}

func TestImportSaysWhatBecameOfEachRow(t *testing.T) {
	file := written(t, "f.csv", "id,at,account,event\n1,2024-01-01,acme,Clicked\n2,01/02/2024,acme,Clicked\n3,2024-01-01,acme,Clicked\n")
	data := t.TempDir()
	r := run(t, "", "import", file, "--kind", "events", "--data", data, "--dry-run")
	same(t, "dry run", `row 2: track "Clicked" account "acme" at 2024-01-01T00:00:00Z
row 4: track "Clicked" account "acme" at 2024-01-01T00:00:00Z
`+file+`: 3 rows read, 2 would be accepted, 1 would be rejected.
`, r.out)
	if _, err := os.Stat(file + ".rejects.csv"); err == nil || r.code != 0 {
		t.Errorf("a dry run wrote a file, or ended with %d", r.code)
	}

	r = run(t, "", "import", file, "--kind", "events", "--data", data)
	same(t, "import", file+": 3 rows read, 2 accepted, 1 rejected, 0 known already.\nThe rejected rows are in "+
		file+".rejects.csv, each with why. Mend them there and import that file.\n", r.out)
	same(t, "standard error", file+": row 3, column at: \"01/02/2024\" could be day first or month first. "+
		"Say which in a mapping: date: dmy, or date: mdy.\n", r.err)
	if r.code != 0 {
		t.Errorf("rejected rows are not a failure, code %d", r.code)
	}

	r = run(t, "", "import", file, "--kind", "events", "--data", data, "--json")
	same(t, "JSON", `{
  "read": 3,
  "accepted": 0,
  "duplicate": 2,
  "rejected": 1,
  "rejects": "`+file+`.rejects-2.csv"
}
`, r.out)
}

func TestImportReadsStandardInputWithAMapping(t *testing.T) {
	mapping := written(t, "m.yaml", "kind: events\nat: when\nevent: {cel: 'row.what.upper()'}\naccount: who\n")
	r := run(t, "when;what;who\n2024-01-01;a;acme\n", "import", "-", "--map", mapping, "--data", t.TempDir())
	same(t, "out", "-: 1 rows read, 1 accepted, 0 rejected, 0 known already.\n", r.out)
}

func TestImportThatCannotBeginSaysWhyAndEndsWithTwo(t *testing.T) {
	file := written(t, "f.csv", "id,at\n1,2024-01-01\n")
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no kind", []string{file}, "Say what the rows are with --kind: events"},
		{"an unknown kind", []string{file, "--kind", "cats"}, `"cats" cannot be imported`},
		{"no file", []string{file + "x", "--kind", "events"}, "cannot be opened"},
		{"a directory", []string{filepath.Dir(file), "--kind", "events"}, "is not a file"},
		{"no mapping", []string{file, "--map", file + "x"}, "The mapping cannot be opened"},
		{"a mapping with an error", []string{file, "--map", written(t, "m.yaml", "evnt: x")}, `unknown field "evnt"`},
		{"an unknown column", []string{file, "--kind", "events", "--map", written(t, "m.yaml", "event: what\nat: at")}, `event: The file has no column "what". It has: id, at.`},
		{"a moment that is none", []string{file, "--kind", "accounts", "--as-of", "soon"}, `--as-of: "soon" is not a date`},
		{"one file for the rejects of two", []string{file, file, "--kind", "accounts", "--rejects", "x"}, "--rejects names one file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, "", append([]string{"import", "--data", t.TempDir()}, c.args...)...)
			if r.code != 2 || !strings.Contains(r.err, c.want) || r.out != "" {
				t.Errorf("code %d, out %q, err %q, want %q", r.code, r.out, r.err, c.want)
			}
		})
	}
}
