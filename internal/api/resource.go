package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
	"cairn/internal/keep"
	"cairn/internal/reply"
	"cairn/internal/usage"
)

// A Finder finds what somebody means by a text.
type Finder interface {
	// FindAccount takes an id, a key, a domain, a name, or "source: key".
	FindAccount(ctx context.Context, text string) (cairn.ID, error)
	// FindPerson takes an id, the id that the product sends, or "source: id".
	FindPerson(ctx context.Context, text string) (cairn.ID, error)
	// FindWaiting takes an id or "source: key" of what nobody has claimed.
	FindWaiting(ctx context.Context, text string) (cairn.ID, error)
}

// Resources are what the resource API serves.
type Resources struct {
	Version  string
	Keys     ingest.Keys
	Find     Finder
	Identity account.Identity
	Usage    *usage.Service
	Sources  ingest.Sources
	Rejects  *ingest.Mender
	Keep     *keep.Service
	Records  Records
	Door     Door
	Now      func() time.Time
	Log      *slog.Logger
}

// Handler serves the resource API under /api/v1/: JSON over HTTP, described in
// OpenAPI 3.1 at /api/v1/openapi.json, which is made of the same Go types that
// read and write the bodies.
func (r Resources) Handler() http.Handler {
	mux, _ := r.serve()
	return mux
}

// OpenAPI is the description of the resource API.
func (r Resources) OpenAPI() *huma.OpenAPI {
	_, api := r.serve()
	return api.OpenAPI()
}

func (r Resources) serve() (http.Handler, huma.API) {
	mux := http.NewServeMux()
	c := huma.DefaultConfig("Cairn", r.Version)
	c.Info.Description = "Who is who, what counts as usage, sources, what was refused, how long events are kept, and contracts with what became of them."
	c.OpenAPIPath, c.DocsPath, c.SchemasPath = "/api/v1/openapi", "", ""
	c.CreateHooks = nil // no $schema beside what was asked for
	c.RejectUnknownQueryParameters = true
	c.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat}
	c.Transformers = []huma.Transformer{asDetails}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer", Description: "A key of a source, with the scope that the operation names."},
		"basic":  {Type: "http", Scheme: "basic", Description: "The key as the user name, and no password."},
	}
	a := &resources{Resources: r, api: humago.New(mux, c)}
	a.identity()
	a.metrics()
	a.meaningful()
	a.sources()
	a.rejects()
	a.keeping()
	a.records()
	describe(a.api.OpenAPI())
	mux.Handle("/api/v1/", reply.Handler(r.Log, func(_ http.ResponseWriter, q *http.Request) error {
		return cairn.Errorf(cairn.NotFound, "There is nothing at %s %s; /api/v1/openapi.json lists what there is.", q.Method, cutPath(q.URL.Path))
	}))
	return mux, a.api
}

// schemaName is what the description calls a type: as the code does, without
// the end that tells it from the noun it is made of.
func schemaName(t reflect.Type, hint string) string {
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Told")
}

// describe says of every answer what is wrong as it is said here, and that
// lists are never null unless they say so.
func describe(o *huma.OpenAPI) {
	schemas := o.Components.Schemas
	details := schemas.Schema(reflect.TypeFor[reply.Details](), true, "")
	for _, path := range o.Paths {
		for _, op := range []*huma.Operation{path.Get, path.Put, path.Post, path.Delete} {
			if op == nil {
				continue
			}
			delete(op.Responses, "422")
			delete(op.Responses, "500")
			for _, r := range op.Responses {
				if m := r.Content["application/problem+json"]; m != nil {
					m.Schema = details
				}
			}
		}
	}
	all := schemas.Map()
	delete(all, "ErrorModel")
	delete(all, "ErrorDetail")
	for _, s := range all {
		for name, field := range s.Properties {
			if field.Type == huma.TypeArray && name != "except" {
				field.Nullable = false
			}
		}
	}
}

func cutPath(path string) string {
	if len(path) > 80 {
		return path[:80] + "…"
	}
	return path
}

type resources struct {
	Resources
	api huma.API
}

// A caller is who asks, and what the key allows.
type caller struct {
	cairn.Actor
	key     ingest.Key
	request *http.Request
}

// mayPersonal refuses what is personal to a key without the scope for it.
func (c caller) mayPersonal(asked bool) error {
	if !asked {
		return nil
	}
	return c.key.May(ingest.MayReadPersonal)
}

// A callerKey finds the caller on its way through huma, which hands a handler
// nothing but a context. Every operation gets it as an argument.
type callerKey struct{}

// An operation is what there is to say of one beside its types.
type operation struct {
	method, path, id, group string
	scope                   ingest.KeyScope
	summary, text           string
}

// An answered is a body as huma wants it.
type answered[O any] struct{ Body O }

// add serves an operation.
func add[I, O any](a *resources, o operation, do func(ctx context.Context, by caller, in *I) (O, error)) {
	op := huma.Operation{
		OperationID: o.id, Method: o.method, Path: "/api/v1" + o.path, Summary: o.summary,
		Description: strings.TrimSpace(o.text + "\n\nScope: `" + string(o.scope) + "`."), Tags: []string{o.group},
		MaxBodyBytes: ingest.MaxBatch, BodyReadTimeout: 30 * time.Second,
		Security:    []map[string][]string{{"bearer": {string(o.scope)}}, {"basic": {string(o.scope)}}},
		Errors:      []int{400, 401, 403, 404, 409, 413, 429, 503},
		Middlewares: huma.Middlewares{a.authorize(o.scope)},
	}
	huma.Register(a.api, op, func(ctx context.Context, in *I) (*answered[O], error) {
		by, _ := ctx.Value(callerKey{}).(caller)
		out, err := do(ctx, by, in)
		if err != nil {
			return nil, a.problem(by.request, err)
		}
		return &answered[O]{out}, nil
	})
}

// authorize lets only keys with a scope pass, and hands on whose they are.
func (a *resources) authorize(scope ingest.KeyScope) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		g, err := grant(a.Keys, r, headerKey(r), scope)
		if err != nil {
			reply.Problem(w, r, a.Log, err)
			return
		}
		by := cairn.Actor{Kind: cairn.ByKey, ID: "key-" + strconv.FormatInt(g.Key.ID, 10), Name: g.Key.Label() + " of " + g.Key.Source}
		next(strict{huma.WithValue(ctx, callerKey{}, caller{by, g.Key, r})})
	}
}

// A strict context answers 400 where huma would answer 422: in all of Cairn
// what cannot be taken as it is is a bad request.
type strict struct{ asked }

// asked is another name of it, since the interface has a method of its own.
type asked = huma.Context

// Unwrap returns the context inside.
func (s strict) Unwrap() huma.Context { return s.asked }

// SetStatus sets the status of the answer.
func (s strict) SetStatus(code int) {
	if code == http.StatusUnprocessableEntity {
		code = http.StatusBadRequest
	}
	s.asked.SetStatus(code)
}

// A problem is an error as huma writes it: problem details as everywhere.
type problem struct{ reply.Details }

func (p *problem) Error() string { return p.Detail }

// GetStatus is the HTTP status.
func (p *problem) GetStatus() int { return p.Status }

// ContentType is that of problem details.
func (p *problem) ContentType(string) string { return "application/problem+json" }

// problem turns what went wrong into problem details, and logs its cause.
func (a *resources) problem(r *http.Request, err error) error {
	reply.Log(r, a.Log, err)
	h := http.Header{}
	reply.Headers(h, err)
	return huma.ErrorWithHeaders(&problem{reply.DetailsOf(err)}, h)
}

// asDetails turns what huma found wrong with a request into the same problem
// details as every other error. What was sent is not echoed.
func asDetails(_ huma.Context, _ string, v any) (any, error) {
	m, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	kind, status := cairn.Invalid, m.Status
	switch status {
	case http.StatusUnprocessableEntity:
		status = http.StatusBadRequest
	case http.StatusRequestEntityTooLarge:
		kind = cairn.TooLarge
	case http.StatusInternalServerError:
		kind = cairn.Internal
	}
	d := reply.Details{Title: http.StatusText(status), Status: status, Detail: m.Detail, Kind: kind.String()}
	if len(m.Errors) > 0 {
		e := m.Errors[0]
		_, where, _ := strings.Cut(e.Location, ".")
		d.Field = where
		d.Detail = "The request cannot be taken: " + e.Message + "."
	}
	return d, nil
}

// A noBody is an answer that says only that it is done.
type noBody struct {
	Done bool `json:"done" doc:"Always true."`
}
