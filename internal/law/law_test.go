package law

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A room is one row of the table: a package, what it may import of ours, and
// whether it is pure.
type room struct {
	may      []string // package paths below the module; "" is the root
	anything bool
	pure     bool
}

// A source is one parsed file of the module.
type source struct {
	path string // below the module's root, with slashes
	pkg  string // the directory; "" is the root
	test bool
	set  *token.FileSet
	file *ast.File
}

const (
	top    = "../.."
	module = "cairn"
	table  = "docs/architecture.md"
)

func TestEveryPackageIsListedAndImportsOnlyWhatItMay(t *testing.T) {
	rooms := readTable(t)
	lived := map[string]bool{}
	for _, s := range readSources(t) {
		lived[s.pkg] = true
		r, ok := rooms[s.pkg]
		if !ok {
			t.Errorf("%s: package %s is not in the table of %s", s.path, show(s.pkg), table)
			continue
		}
		// Tests may meet the house from outside: the real store in a
		// temporary file, the demo company. The compiler refuses cycles.
		if s.test || r.anything {
			continue
		}
		for _, imp := range s.imports() {
			ours, ok := own(imp)
			if ok && ours != s.pkg && !slices.Contains(r.may, ours) {
				t.Errorf("%s: %s may not import %s", s.path, show(s.pkg), show(ours))
			}
		}
	}
	for pkg := range rooms {
		if !lived[pkg] {
			t.Errorf("%s lists %s, which has no code", table, show(pkg))
		}
	}
}

func TestTheRootUsesTheStandardLibraryOnly(t *testing.T) {
	for _, s := range readSources(t) {
		if s.pkg != "" || s.test {
			continue
		}
		for _, imp := range s.imports() {
			if first, _, _ := strings.Cut(imp, "/"); strings.Contains(first, ".") || first == module {
				t.Errorf("%s: the root may not import %s", s.path, imp)
			}
		}
	}
}

// world are the packages through which a pure function would touch the world.
var world = []string{
	"database/sql", "io/ioutil", "log", "log/slog", "net", "net/http", "net/rpc", "net/smtp",
	"os", "os/exec", "os/signal", "os/user", "syscall",
}

// clocks are the functions of package time that read the clock or wait for it.
var clocks = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

func TestPurePackagesTouchNothingAndReadNoClock(t *testing.T) {
	rooms := readTable(t)
	for _, s := range readSources(t) {
		if s.test || !rooms[s.pkg].pure {
			continue
		}
		for _, imp := range s.imports() {
			if slices.Contains(world, imp) {
				t.Errorf("%s: %s is pure and may not import %s", s.path, show(s.pkg), imp)
			}
		}
		s.selectors(func(x, sel string, at token.Position) {
			if x == "time" && slices.Contains(clocks, sel) {
				t.Errorf("%s:%d: %s is pure and may not call time.%s", s.path, at.Line, show(s.pkg), sel)
			}
		})
	}
}

func TestNoTestSkips(t *testing.T) {
	skips, receivers := []string{"Skip", "Skipf", "SkipNow"}, []string{"b", "f", "rt", "t", "tb"}
	for _, s := range readSources(t) {
		if !slices.Contains(s.imports(), "testing") {
			continue
		}
		s.selectors(func(x, sel string, at token.Position) {
			if slices.Contains(skips, sel) && slices.Contains(receivers, x) && !s.draws(x, at.Offset) || x == "testing" && sel == "Short" {
				t.Errorf("%s:%d: %s.%s: a test that cannot run is a failure, never a skip", s.path, at.Line, x, sel)
			}
		})
	}
}

// draws reports whether x is a *rapid.T at an offset of the file: skipping
// one discards a draw, and another one is made.
func (s source) draws(x string, offset int) bool {
	found := false
	ast.Inspect(s.file, func(n ast.Node) bool {
		if n == nil || s.set.Position(n.Pos()).Offset > offset || s.set.Position(n.End()).Offset < offset {
			return false
		}
		switch f := n.(type) {
		case *ast.FuncLit:
			found = found || takesRapid(f.Type, x)
		case *ast.FuncDecl:
			found = found || takesRapid(f.Type, x)
		}
		return true
	})
	return found
}

// takesRapid reports whether f has a parameter x of type *rapid.T.
func takesRapid(f *ast.FuncType, x string) bool {
	for _, p := range f.Params.List {
		star, ok := p.Type.(*ast.StarExpr)
		if !ok {
			continue
		}
		sel, ok := star.X.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "T" {
			continue
		}
		if pkg, ok := sel.X.(*ast.Ident); !ok || pkg.Name != "rapid" {
			continue
		}
		if slices.ContainsFunc(p.Names, func(n *ast.Ident) bool { return n.Name == x }) {
			return true
		}
	}
	return false
}

func TestAtMostThirtyDirectDependencies(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(top, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	direct := 0
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "\t") && !strings.Contains(line, "// indirect") {
			direct++
		}
	}
	if direct == 0 || direct > 30 {
		t.Errorf("go.mod names %d direct dependencies and tools, want 1 to 30", direct)
	}
}

var quoted = regexp.MustCompile("`([a-z/]+)`")

// readTable reads the rows of the table between the lines "<!-- law -->" and
// "<!-- /law -->". Its columns are the package or packages, what lives there,
// what they may import, and whether they are pure.
func readTable(t *testing.T) map[string]room {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(top, table))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(b), "<!-- law -->")
	body, _, ended := strings.Cut(rest, "<!-- /law -->")
	if !ok || !ended {
		t.Fatalf("%s has no table between <!-- law --> and <!-- /law -->", table)
	}
	rooms := map[string]room{}
	for line := range strings.Lines(body) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		names := packages(cells[0])
		if len(names) == 0 {
			continue // the heading
		}
		if len(cells) != 4 {
			t.Fatalf("%s: this row has not four columns: %s", table, line)
		}
		r := room{
			may:      packages(cells[2]),
			anything: strings.TrimSpace(cells[2]) == "anything",
			pure:     strings.TrimSpace(cells[3]) == "yes",
		}
		for _, n := range names {
			if _, twice := rooms[n]; twice {
				t.Fatalf("%s lists %s twice", table, show(n))
			}
			rooms[n] = r
		}
	}
	if len(rooms) == 0 {
		t.Fatalf("%s lists no package", table)
	}
	return rooms
}

// packages returns the paths of the quoted package names in a cell.
func packages(cell string) []string {
	var out []string
	for _, m := range quoted.FindAllStringSubmatch(cell, -1) {
		switch name := m[1]; {
		case name == "root":
			out = append(out, "")
		case strings.HasPrefix(name, "cmd/"), name == "client":
			out = append(out, name)
		default:
			out = append(out, "internal/"+name)
		}
	}
	return out
}

func readSources(t *testing.T) []source {
	t.Helper()
	var out []source
	err := filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			if path != top && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		rel, err := filepath.Rel(top, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		pkg := filepath.ToSlash(filepath.Dir(rel))
		if pkg == "." {
			pkg = ""
		}
		out = append(out, source{path: rel, pkg: pkg, test: strings.HasSuffix(name, "_test.go"), set: set, file: file})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(out) == 0 {
		t.Fatal("no Go files found")
	}
	return out
}

func (s source) imports() []string {
	out := make([]string, len(s.file.Imports))
	for i, imp := range s.file.Imports {
		out[i] = strings.Trim(imp.Path.Value, `"`)
	}
	return out
}

// selectors calls f for each name.name in the file.
func (s source) selectors(f func(x, sel string, at token.Position)) {
	ast.Inspect(s.file, func(n ast.Node) bool {
		if e, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := e.X.(*ast.Ident); ok {
				f(x.Name, e.Sel.Name, s.set.Position(e.Pos()))
			}
		}
		return true
	})
}

// own returns the path below the module of an import of ours.
func own(imp string) (string, bool) {
	if imp == module {
		return "", true
	}
	return strings.CutPrefix(imp, module+"/")
}

func show(pkg string) string {
	if pkg == "" {
		return "the root"
	}
	return strings.TrimPrefix(pkg, "internal/")
}
