package config

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

func TestTheZeroConfigurationWorks(t *testing.T) {
	t.Chdir(t.TempDir())
	got, err := Load(nil, nil, "")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{Data: "./cairn-data", Listen: "127.0.0.1:8080"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("(-want +got)", diff)
	}
	if diff := cmp.Diff(want, Config{}.OrDefault()); diff != "" {
		t.Error("(-want +got)", diff)
	}
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	file := write(t, t.TempDir(), "listen: :1\nlog-level: warn\nurl: https://file.example/\n")
	tests := []struct {
		name  string
		flags map[string]string
		env   []string
		want  Config
	}{
		{"file", nil, nil,
			Config{Data: "./cairn-data", Listen: ":1", LogLevel: slog.LevelWarn, URL: "https://file.example"}},
		{"environment", nil, []string{"CAIRN_LISTEN=:2", "CAIRN_LOG_JSON=true", "CAIRN_SERVICE_PORT=9"},
			Config{Data: "./cairn-data", Listen: ":2", LogLevel: slog.LevelWarn, LogJSON: true, URL: "https://file.example"}},
		{"flag", map[string]string{"listen": ":3", "data": "d"}, []string{"CAIRN_LISTEN=:2"},
			Config{Data: "d", Listen: ":3", LogLevel: slog.LevelWarn, URL: "https://file.example"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Load(tt.flags, tt.env, file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error("(-want +got)", diff)
			}
		})
	}
}

func TestDataAndDatabaseAreOneChoice(t *testing.T) {
	t.Chdir(t.TempDir())
	const pg = "postgres://cairn@db/cairn"
	c, err := Load(map[string]string{"data": "here"}, []string{"CAIRN_DATABASE=" + pg}, "")
	if err != nil || !c.Embedded() || c.Data != "here" {
		t.Errorf("a data directory by flag over a database by environment gave %+v, %v", c, err)
	}
	c, err = Load(map[string]string{"database": pg}, []string{"CAIRN_DATA=there"}, "")
	if err != nil || c.Database != pg || c.Data != "./cairn-data" {
		t.Errorf("a database by flag over a data directory by environment gave %+v, %v", c, err)
	}
	_, err = Load(map[string]string{"database": pg, "data": "here"}, nil, "")
	if cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("both at once gave %v", err)
	}
}

func TestTheFileInTheDataDirectoryIsFound(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "listen: :7\n")
	c, err := Load(map[string]string{"data": dir}, nil, "")
	if err != nil || c.Listen != ":7" {
		t.Errorf("got %+v, %v", c, err)
	}
}

func TestWhatCannotBeTakenIsNamed(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "data: elsewhere\n")
	tests := []struct {
		name  string
		flags map[string]string
		file  string
		field string
		text  string
	}{
		{"unknown key", nil, "listn: :1\n", "listn", `"listn" is not a setting`},
		{"list", nil, "listen: [a, b]\n", "listen", "one value"},
		{"not YAML", nil, "listen: [\n", "config", "not YAML"},
		{"missing file", nil, "-", "config", "cannot be read"},
		{"data of its own directory", map[string]string{"data": dir}, "", "data", "cannot name another one"},
		{"database", map[string]string{"database": "mysql://x"}, "", "database", "postgres://"},
		{"listen", map[string]string{"listen": "8080"}, "", "listen", "127.0.0.1:8080"},
		{"url", map[string]string{"url": "cairn.example"}, "", "url", "https://"},
		{"level", map[string]string{"log-level": "loud"}, "", "log-level", "debug"},
		{"demo", map[string]string{"demo": "perhaps"}, "", "demo", "neither true nor false"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			file := ""
			switch tt.file {
			case "":
			case "-":
				file = filepath.Join(t.TempDir(), "none.yaml")
			default:
				file = write(t, t.TempDir(), tt.file)
			}
			_, err := Load(tt.flags, nil, file)
			e, ok := err.(*cairn.Error)
			if !ok || e.Kind != cairn.Invalid || e.Field != tt.field || !strings.Contains(e.Text, tt.text) {
				t.Errorf("got %v, want field %q and a text with %q", err, tt.field, tt.text)
			}
		})
	}
}

func TestPeopleAreSentToAnAddressThatWorks(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"[::]:8080":      "http://localhost:8080",
		":8080":          "http://localhost:8080",
		"0.0.0.0:80":     "http://localhost:80",
		"cairn.lan:80":   "http://cairn.lan:80",
	} {
		if got := (Config{}).Address(addr); got != want {
			t.Errorf("Address(%q) = %q, want %q", addr, got, want)
		}
	}
	if got := (Config{URL: "https://c.example"}).Address(":1"); got != "https://c.example" {
		t.Errorf("with a URL: %q", got)
	}
}

func write(t *testing.T, dir, text string) string {
	t.Helper()
	file := filepath.Join(dir, FileName)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
