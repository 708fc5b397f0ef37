// Package config holds what an operator can set. Every setting is named by a
// flag, by an environment variable or in a file; each works when absent.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"cairn"
)

// A Config is what an operator can set. The zero value is a Cairn that keeps
// everything in ./cairn-data and listens on 127.0.0.1:8080; see
// [Config.OrDefault].
type Config struct {
	Data     string     // directory of the embedded database, of the lock and of the socket
	Database string     // postgres://…; empty: the embedded one in Data
	Listen   string     // address of web, API and front door
	URL      string     // how browsers reach it, such as https://cairn.example; empty: http://Listen
	LogLevel slog.Level // the zero value is info
	LogJSON  bool       // one JSON object a line instead of text
	Rejects  int        // how many rejected records of one source are kept; 0: as many as the store does by itself
	Demo     bool       // feed a made-up company while serving
	NoWork   bool       // serve without running the stages, which other nodes do
	Health   string     // address of the health checks of a node that only works; empty: none
}

// FileName is looked for in the data directory when no file is named.
const FileName = "cairn.yaml"

// OrDefault returns c with the default in place of each empty setting.
func (c Config) OrDefault() Config {
	if c.Data == "" {
		c.Data = "./cairn-data"
	}
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	return c
}

// Embedded reports whether the database is the one in the data directory.
func (c Config) Embedded() bool { return c.Database == "" }

// Address returns how people reach the server that listens on addr.
func (c Config) Address(addr string) string {
	if c.URL != "" {
		return c.URL
	}
	host, port, err := net.SplitHostPort(addr)
	if ip := net.ParseIP(host); err == nil && (host == "" || ip != nil && ip.IsUnspecified()) {
		return "http://" + net.JoinHostPort("localhost", port)
	}
	return "http://" + addr
}

// A Setting is one thing that can be set.
type Setting struct {
	Name  string // of the flag and in the file, such as "log-level"
	Usage string
	Bool  bool
	set   func(c *Config, value string) error
}

// Env returns the name of the environment variable, such as CAIRN_LOG_LEVEL.
func (s Setting) Env() string {
	return "CAIRN_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Settings are all settings, in the order in which help shows them.
var Settings = []Setting{
	{Name: "data", Usage: "directory of the embedded database (default ./cairn-data)", set: setData},
	{Name: "database", Usage: "PostgreSQL 15 or later instead, as postgres://user:password@host/name", set: setDatabase},
	{Name: "listen", Usage: "address to listen on (default 127.0.0.1:8080)", set: setListen},
	{Name: "url", Usage: "address that browsers use, such as https://cairn.example", set: setURL},
	{Name: "log-level", Usage: "debug, info, warn or error (default info)", set: setLogLevel},
	{Name: "log-json", Usage: "log one JSON object a line", Bool: true, set: setLogJSON},
	{Name: "rejects", Usage: "how many rejected records of one source are kept (default 10000)", set: setRejects},
	{Name: "demo", Usage: "feed a made-up company while serving", Bool: true, set: setDemo},
	{Name: "no-work", Usage: "leave the stages to other nodes (cairn work)", Bool: true, set: setNoWork},
	{Name: "health", Usage: "address for health checks of cairn work, such as :8081 (default none)", set: setHealth},
}

// A layer is what one place says, by the names of settings.
type layer map[string]string

// Load joins what flags, the environment and a file say, in this order of
// precedence. Data and database are one choice: the first place that names
// either decides it. File is what --config named; when it is empty,
// $CAIRN_CONFIG and then cairn.yaml in the data directory are looked for, the
// last of which need not exist.
func Load(flags map[string]string, environ []string, file string) (Config, error) {
	env, named := fromEnviron(environ)
	if file == "" {
		file = named
	}
	above := []layer{flags, env}
	said, err := fromFile(file, above)
	if err != nil {
		return Config{}, err
	}
	c, err := join(append(above, said))
	if err != nil {
		return Config{}, err
	}
	return c.OrDefault(), nil
}

// join returns the settings of the layers, of which the first to name one wins.
func join(layers []layer) (Config, error) {
	var c Config
	done := map[string]bool{}
	for _, l := range layers {
		if l["data"] != "" && l["database"] != "" {
			return Config{}, cairn.Errorf(cairn.Invalid, "Name either a data directory or a database, not both.").At("database")
		}
		for _, s := range Settings {
			v := l[s.Name]
			if v == "" || done[s.Name] {
				continue
			}
			if err := s.set(&c, v); err != nil {
				return Config{}, err
			}
			done[s.Name] = true
		}
		if l["data"] != "" || l["database"] != "" {
			done["data"], done["database"] = true, true
		}
	}
	return c, nil
}

// fromEnviron reads CAIRN_… variables. Unknown ones are left alone: cluster
// managers put some of their own there.
func fromEnviron(environ []string) (l layer, file string) {
	l = layer{}
	for _, kv := range environ {
		name, value, _ := strings.Cut(kv, "=")
		if name == "CAIRN_CONFIG" {
			file = value
		}
		for _, s := range Settings {
			if s.Env() == name {
				l[s.Name] = value
			}
		}
	}
	return l, file
}

// fromFile reads the named file, or cairn.yaml in the data directory of the
// layers above, if there is one.
func fromFile(file string, above []layer) (layer, error) {
	optional := file == ""
	if optional {
		c, err := join(above)
		if err != nil {
			return nil, err
		}
		file = filepath.Join(c.OrDefault().Data, FileName)
	}
	b, err := os.ReadFile(file)
	if optional && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The configuration file %s cannot be read.", file).At("config").Because(err)
	}
	l, err := parseFile(file, b)
	if err != nil {
		return nil, err
	}
	if optional && l["data"] != "" {
		return nil, cairn.Errorf(cairn.Invalid, "%s lies in the data directory and cannot name another one.", file).At("data")
	}
	return l, nil
}

func parseFile(file string, b []byte) (layer, error) {
	var said map[string]any
	if err := yaml.Unmarshal(b, &said); err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "%s is not YAML of the form \"name: value\".", file).At("config").Because(err)
	}
	l := layer{}
	for _, name := range slices.Sorted(maps.Keys(said)) {
		if !slices.ContainsFunc(Settings, func(s Setting) bool { return s.Name == name }) {
			return nil, cairn.Errorf(cairn.Invalid, "%s: %q is not a setting. Known are %s.", file, name, known()).At(name)
		}
		switch v := said[name].(type) {
		case nil:
		case map[string]any, []any:
			return nil, cairn.Errorf(cairn.Invalid, "%s: %q takes one value, not a list or a group.", file, name).At(name)
		default:
			l[name] = fmt.Sprint(v)
		}
	}
	return l, nil
}

func known() string {
	names := make([]string, len(Settings))
	for i, s := range Settings {
		names[i] = s.Name
	}
	return strings.Join(names, ", ")
}

func setData(c *Config, v string) error {
	c.Data = v
	return nil
}

func setDatabase(c *Config, v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return cairn.Errorf(cairn.Invalid, "The database must be given as postgres://user:password@host:port/name.").At("database")
	}
	c.Database = v
	return nil
}

func setListen(c *Config, v string) error {
	if _, _, err := net.SplitHostPort(v); err != nil {
		return cairn.Errorf(cairn.Invalid, "%q is not an address to listen on, such as 127.0.0.1:8080 or :8080.", v).At("listen")
	}
	c.Listen = v
	return nil
}

func setHealth(c *Config, v string) error {
	if _, _, err := net.SplitHostPort(v); err != nil {
		return cairn.Errorf(cairn.Invalid, "%q is not an address to listen on, such as 127.0.0.1:8081 or :8081.", v).At("health")
	}
	c.Health = v
	return nil
}

func setURL(c *Config, v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return cairn.Errorf(cairn.Invalid, "%q is not an address such as https://cairn.example.", v).At("url")
	}
	c.URL = u.Scheme + "://" + u.Host
	return nil
}

func setLogLevel(c *Config, v string) error {
	if err := c.LogLevel.UnmarshalText([]byte(v)); err != nil {
		return cairn.Errorf(cairn.Invalid, "%q is not a log level: debug, info, warn or error.", v).At("log-level")
	}
	return nil
}

func setLogJSON(c *Config, v string) (err error) {
	c.LogJSON, err = boolean("log-json", v)
	return err
}

func setDemo(c *Config, v string) (err error) {
	c.Demo, err = boolean("demo", v)
	return err
}

func setNoWork(c *Config, v string) (err error) {
	c.NoWork, err = boolean("no-work", v)
	return err
}

func boolean(name, v string) (bool, error) {
	b, err := strconv.ParseBool(v)
	if err != nil {
		return false, cairn.Errorf(cairn.Invalid, "%q is neither true nor false.", v).At(name)
	}
	return b, nil
}

func setRejects(c *Config, v string) error {
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 || n > 10_000_000 {
		return cairn.Errorf(cairn.Invalid, "%q is not a number of rejected records to keep: 1 to 10000000.", v).At("rejects")
	}
	c.Rejects = n
	return nil
}
