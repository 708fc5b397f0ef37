package config

import (
	"testing"

	"cairn"
)

func FuzzFile(f *testing.F) {
	for _, s := range []string{"listen: :1\nlog-level: warn\n", "database: postgres://x@y/z\ndata: d\n", "a: [1]\n", "demo: maybe\n", "&a {*a : 1}", "url: http://[::1", "? {a: b}\n: c\n", "listen: !!binary aGk=\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseFile("cairn.yaml", text)
		if err == nil {
			_, err = join([]layer{{}, l})
		}
		if err != nil && cairn.KindOf(err) != cairn.Invalid {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
