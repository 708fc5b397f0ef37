package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
)

//go:embed asset
var assetFS embed.FS

// sprite holds every icon as a symbol; it stands once in each page.
//
//go:embed asset/vendor/icons.svg
var sprite string

// assets serves the embedded files under names that hold their content's
// hash, so that browsers may keep them for ever.
type assets struct {
	paths map[string]string // "cairn.css" → "/asset/cairn.1a2b3c4d.css"
	files map[string]asset  // by the path above
	sheet []string          // the addresses of our own style sheets, cairn.css first
}

type asset struct {
	kind        string
	plain, gzip []byte // gzip is nil where it would not help
}

var kinds = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
	".svg": "image/svg+xml", ".woff2": "font/woff2", ".png": "image/png",
}

// newAssets reads every embedded asset. It panics when one cannot be read,
// which would be a defect of the build.
func newAssets() *assets {
	a := &assets{paths: map[string]string{}, files: map[string]asset{}}
	var sheets []string
	err := fs.WalkDir(assetFS, "asset", func(p string, d fs.DirEntry, err error) error {
		switch ext := path.Ext(strings.TrimSuffix(p, ".gz")); {
		case err != nil || d.IsDir() || kinds[ext] == "":
			return err
		case p == "asset/own/cairn.css":
			sheets = append(sheets, p) // names fonts, so it comes last
			return nil
		}
		return a.add(p, nil)
	})
	for _, p := range sheets {
		if err == nil {
			err = a.add(p, a.resolve)
		}
	}
	if err != nil {
		panic(err)
	}
	for name, at := range a.paths {
		if strings.HasSuffix(name, ".css") && name != "cairn.css" && name != "tabler.min.css" {
			a.sheet = append(a.sheet, at)
		}
	}
	slices.Sort(a.sheet)
	a.sheet = slices.Insert(a.sheet, 0, a.paths["cairn.css"])
	return a
}

func (a *assets) add(p string, edit func([]byte) []byte) error {
	b, err := fs.ReadFile(assetFS, p)
	if err != nil {
		return err
	}
	f := asset{kind: kinds[path.Ext(strings.TrimSuffix(p, ".gz"))]}
	if strings.HasSuffix(p, ".gz") {
		f.gzip = b
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return err
		}
		if f.plain, err = io.ReadAll(z); err != nil {
			return err
		}
	} else {
		if edit != nil {
			b = edit(b)
		}
		f.plain = b
		if !strings.HasSuffix(p, ".woff2") && !strings.HasSuffix(p, ".png") {
			var z bytes.Buffer
			g, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
			g.Write(b)
			g.Close()
			f.gzip = z.Bytes()
		}
	}
	name := strings.TrimSuffix(path.Base(p), ".gz")
	sum := sha256.Sum256(f.plain)
	ext := path.Ext(name)
	at := "/asset/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:4]) + ext
	a.paths[name], a.files[at] = at, f
	return nil
}

// resolve replaces asset(name) in a style sheet by the asset's address.
func (a *assets) resolve(b []byte) []byte {
	for name, at := range a.paths {
		b = bytes.ReplaceAll(b, []byte("asset("+name+")"), []byte("url("+at+")"))
	}
	return b
}

// path returns the address of an asset.
func (a *assets) path(name string) string {
	if a == nil {
		return "/asset/" + name
	}
	return a.paths[name]
}

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	if f.gzip != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		w.Write(f.gzip)
		return
	}
	w.Write(f.plain)
}
