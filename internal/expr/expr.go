// Package expr is the one expression language of Cairn: CEL, with the names
// that a definition may use, a bound on what one evaluation may cost, and
// which fields an expression reads. An expression has no effects and no clock:
// the same input gives the same result.
package expr

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cairn"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// MaxText is how many characters an expression may have.
const MaxText = 10_000

// MaxCost bounds one evaluation. One unit is about one operation, so this is
// a few milliseconds; an expression that needs more fails.
const MaxCost = 100_000

// A Type is the type of a variable.
type Type int

// The types. Any is checked when the expression is evaluated.
const (
	Any    Type = iota
	Text        // string
	Number      // float64
	Whole       // int64
	Truth       // bool
	Moment      // time.Time
	Object      // map[string]any: fields are read as row.name or row["a name"]
)

// Vars are the variables that an expression may use, by name.
type Vars map[string]Type

// A Program is a compiled expression. It is safe for concurrent use; the zero
// Program is not usable.
type Program struct {
	text  string
	run   cel.Program
	reads map[string][]string
}

// Compile checks text against vars. An error is a cairn.Invalid whose text
// names line and column, counted from 1.
func Compile(text string, vars Vars) (Program, error) {
	if strings.TrimSpace(text) == "" {
		return Program{}, cairn.Errorf(cairn.Invalid, "The expression is empty.")
	}
	if len(text) > MaxText {
		return Program{}, cairn.Errorf(cairn.Invalid, "The expression is longer than %d characters.", MaxText)
	}
	env, err := environment(vars)
	if err != nil {
		return Program{}, err
	}
	tree, issues := env.Compile(text)
	if issues.Err() != nil {
		return Program{}, positioned(issues)
	}
	run, err := env.Program(tree, cel.CostLimit(MaxCost), cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return Program{}, cairn.Errorf(cairn.Invalid, "The expression cannot be used: %s.", firstLine(err)).Because(err)
	}
	return Program{text: text, run: run, reads: reads(tree, vars)}, nil
}

func environment(vars Vars) (*cel.Env, error) {
	options := append(functions(), cel.ParserExpressionSizeLimit(MaxText))
	for name, t := range vars {
		options = append(options, cel.Variable(name, t.cel()))
	}
	return cel.NewEnv(options...)
}

func (t Type) cel() *cel.Type {
	switch t {
	case Text:
		return cel.StringType
	case Number:
		return cel.DoubleType
	case Whole:
		return cel.IntType
	case Truth:
		return cel.BoolType
	case Moment:
		return cel.TimestampType
	case Object:
		return cel.MapType(cel.StringType, cel.DynType)
	}
	return cel.DynType
}

func positioned(issues *cel.Issues) error {
	var parts []string
	for _, e := range issues.Errors() {
		parts = append(parts, fmt.Sprintf("line %d, column %d: %s", e.Location.Line(), e.Location.Column()+1, e.Message))
		if len(parts) == 3 {
			break
		}
	}
	return cairn.Errorf(cairn.Invalid, "The expression has an error at %s.", strings.Join(parts, "; "))
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSuffix(s, ".")
}

// String returns the text that was compiled.
func (p Program) String() string { return p.text }

// Reads returns the fields that the expression names of variable v, as v.field
// or v["field"], sorted. A field that is computed is not among them.
func (p Program) Reads(v string) []string { return p.reads[v] }

func reads(tree *cel.Ast, vars Vars) map[string][]string {
	out := map[string][]string{}
	add := func(of ast.Expr, field string) {
		if of.Kind() != ast.IdentKind {
			return
		}
		if v := of.AsIdent(); vars[v] == Object && !slices.Contains(out[v], field) {
			out[v] = append(out[v], field)
		}
	}
	ast.PreOrderVisit(tree.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		switch e.Kind() {
		case ast.SelectKind:
			add(e.AsSelect().Operand(), e.AsSelect().FieldName())
		case ast.CallKind:
			call := e.AsCall()
			if call.FunctionName() != operators.Index || len(call.Args()) != 2 || call.Args()[1].Kind() != ast.LiteralKind {
				return
			}
			if field, ok := call.Args()[1].AsLiteral().(types.String); ok {
				add(call.Args()[0], string(field))
			}
		}
	}))
	for v := range out {
		slices.Sort(out[v])
	}
	return out
}

// Value evaluates the expression. The result is nil, string, bool, int64,
// float64, time.Time, []any or map[string]any. An error is a cairn.Invalid
// that says what could not be computed.
func (p Program) Value(in map[string]any) (any, error) {
	v, _, err := p.run.Eval(in)
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The expression failed: %s.", firstLine(err)).Because(err)
	}
	return native(v)
}

// True evaluates an expression that says yes or no.
func (p Program) True(in map[string]any) (bool, error) {
	v, err := p.Value(in)
	if err != nil {
		return false, err
	}
	b, ok := v.(bool)
	if !ok {
		return false, cairn.Errorf(cairn.Invalid, "The expression must be true or false, and it is %v.", v)
	}
	return b, nil
}

func native(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.String:
		return string(v), nil
	case types.Bool:
		return bool(v), nil
	case types.Int:
		return int64(v), nil
	case types.Uint:
		if v > math.MaxInt64 {
			return nil, cairn.Errorf(cairn.Invalid, "The expression gives a number that is too large.")
		}
		return int64(v), nil
	case types.Double:
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, cairn.Errorf(cairn.Invalid, "The expression gives no finite number.")
		}
		return float64(v), nil
	case types.Timestamp:
		return v.Time.UTC(), nil
	case traits.Lister:
		return nativeList(v)
	case traits.Mapper:
		return nativeMap(v)
	}
	return nil, cairn.Errorf(cairn.Invalid, "The expression gives a %s, which cannot be used here.", v.Type().TypeName())
}

func nativeList(l traits.Lister) (any, error) {
	out := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		v, err := native(it.Next())
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

func nativeMap(m traits.Mapper) (any, error) {
	out := map[string]any{}
	for it := m.Iterator(); it.HasNext() == types.True; {
		k := it.Next()
		v, err := native(m.Get(k))
		if err != nil {
			return nil, err
		}
		name, ok := k.(types.String)
		if !ok {
			return nil, cairn.Errorf(cairn.Invalid, "The expression gives a map whose keys are not text.")
		}
		out[string(name)] = v
	}
	return out, nil
}

var errNotText = errors.New("text is needed")

// functions are those that CEL lacks and that tables of data need. None makes
// its argument longer, so the bound on cost is a bound on memory too.
func functions() []cel.EnvOption {
	return []cel.EnvOption{
		textFunction("lower", strings.ToLower),
		textFunction("upper", strings.ToUpper),
		textFunction("trim", strings.TrimSpace),
		cel.Function("split",
			cel.MemberOverload("string_split_string", []*cel.Type{cel.StringType, cel.StringType}, cel.ListType(cel.StringType),
				cel.BinaryBinding(func(s, sep ref.Val) ref.Val {
					text, ok1 := s.(types.String)
					by, ok2 := sep.(types.String)
					if !ok1 || !ok2 {
						return types.WrapErr(errNotText)
					}
					return types.NewStringList(types.DefaultTypeAdapter, strings.Split(string(text), string(by)))
				}))),
	}
}

func textFunction(name string, f func(string) string) cel.EnvOption {
	return cel.Function(name,
		cel.MemberOverload("string_"+name, []*cel.Type{cel.StringType}, cel.StringType,
			cel.UnaryBinding(func(s ref.Val) ref.Val {
				text, ok := s.(types.String)
				if !ok {
					return types.WrapErr(errNotText)
				}
				return types.String(f(string(text)))
			})))
}

// Plain returns v as expressions know it: numbers as int64 or float64, times
// as time.Time, everything else as it is.
func Plain(v any) any {
	switch v := v.(type) {
	case interface {
		Int64() (int64, error)
		Float64() (float64, error)
	}:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, err := v.Float64()
		if err != nil {
			return nil
		}
		return f
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, x := range v {
			out[k] = Plain(x)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = Plain(x)
		}
		return out
	case time.Time:
		return v.UTC()
	}
	return v
}
