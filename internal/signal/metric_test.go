package signal

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"cairn"
)

// used is a track event with properties.
func used(n float64, p int, name, props string) cairn.Event {
	e := did(n, p, name)
	e.Props = json.RawMessage(props)
	return e
}

// metricsOf measures metrics over events, all counters kept.
func metricsOf(t *testing.T, ms []Metric, events ...cairn.Event) cairn.Signals {
	t.Helper()
	set := Settings{Metrics: ms}
	s := NewState(time.UTC)
	s.Counters = Prepare(set.Counters())
	for _, e := range events {
		s.Fold(e)
	}
	return New(set).Measure(s, nil, noon)
}

func TestMetricsMeasureWhatTheySay(t *testing.T) {
	exports := []cairn.Event{
		used(1, 1, "Export Run", `{"format":"csv","pages":3}`), used(1, 2, "Export Run", `{"format":"PDF","pages":"4.5"}`),
		used(6, 1, "Export Run", `{"format":"pdf","pages":10}`), used(30, 3, "Export Run", `{"format":"pdf","pages":5}`),
		used(100, 1, "Export Run", `{}`), used(2, 1, "Report Created", `{}`), used(3, 4, "Page Viewed", `{}`),
	}
	pdf := []Test{{"format", "is", "pdf"}}
	seats := stated(200, cairn.OfContract, 1, "crm", `{"seats":4}`)
	tests := []struct {
		name   string
		m      Metric
		events []cairn.Event
		want   any
	}{
		{"how often", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 28}, exports, 3},
		{"in seven days, today included", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 6}, exports, 2},
		{"the seventh day", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 7}, exports, 3},
		{"several names", Metric{Count: CountEvents, Events: []string{"Export Run", "Report Created"}, Days: 28}, exports, 4},
		{"all that counts", Metric{Count: CountEvents, Days: 28}, exports, 4},
		{"filtered", Metric{Count: CountEvents, Events: []string{"Export Run"}, Where: pdf, Days: 28}, exports, 2},
		{"people", Metric{Count: CountPeople, Events: []string{"Export Run"}, Days: 28}, exports, 2},
		{"people, filtered", Metric{Count: CountPeople, Events: []string{"Export Run"}, Where: pdf, Days: 60}, exports, 3},
		{"days", Metric{Count: CountDays, Events: []string{"Export Run"}, Days: 28}, exports, 2},
		{"sum", Metric{Count: CountSum, Property: "pages", Events: []string{"Export Run"}, Days: 28}, exports, 17.5},
		{"sum, filtered", Metric{Count: CountSum, Property: "pages", Events: []string{"Export Run"}, Where: []Test{{"pages", "at_least", 4.0}}, Days: 28}, exports, 14.5},
		{"last", Metric{Count: CountLast, Events: []string{"Export Run"}, Where: []Test{{"format", "missing", nil}}}, exports, 100},
		{"first", Metric{Count: CountFirst, Events: []string{"Export Run"}}, exports, 100},
		{"never", Metric{Count: CountLast, Events: []string{"Nothing"}}, exports, missing("It has never happened")},
		{"not once is nought", Metric{Count: CountEvents, Events: []string{"Nothing"}, Days: 28}, exports, 0},
		{"of nobody nothing is known", Metric{Count: CountEvents, Events: []string{"Nothing"}, Days: 28}, nil, missing("Nothing has happened")},
		{"change", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 28, Change: true}, exports, 200},
		{"change against nothing", Metric{Count: CountEvents, Events: []string{"Report Created"}, Days: 28, Change: true}, exports, missing("There was nothing in the window before")},
		{"change of a young account", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 60, Change: true}, exports, missing("The account is not yet known for 120")},
		{"for each seat", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 28, PerSeat: true}, append([]cairn.Event{seats}, exports...), 0.75},
		{"for each of unknown seats", Metric{Count: CountEvents, Events: []string{"Export Run"}, Days: 28, PerSeat: true}, exports, missing("The number of seats")},
		{"in a product nobody used", Metric{Count: CountEvents, Events: []string{"Export Run"}, Products: []string{"mobile"}, Days: 28}, exports, 0},
	}
	for _, tt := range tests {
		tt.m.Name, tt.m.Title = "m", "M"
		if err := tt.m.Check(nil); err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		got := metricsOf(t, []Metric{tt.m}, tt.events...)["metric.m"]
		if why, isMissing := tt.want.(missing); isMissing {
			if got.Known || !strings.HasPrefix(got.Why, string(why)) {
				t.Errorf("%s: %+v, want missing: %s", tt.name, got, why)
			}
			continue
		}
		want, isFloat := tt.want.(float64)
		if n, isInt := tt.want.(int); isInt {
			want = float64(n)
		} else if !isFloat {
			t.Fatalf("%v", tt.want)
		}
		if !got.Known || got.Number != want || got.Fresh.IsZero() {
			t.Errorf("%s: %+v, want %v", tt.name, got, want)
		}
	}
}

func TestARatioDividesTwoMetricsAndIsMissingWithEither(t *testing.T) {
	a := Metric{Name: "a", Title: "A", Count: CountEvents, Events: []string{"A"}, Days: 28}
	b := Metric{Name: "b", Title: "B", Count: CountEvents, Events: []string{"B"}, Days: 28}
	r := Metric{Name: "r", Title: "R", Count: CountRatio, Of: "a", By: "b"}
	share := Metric{Name: "p", Title: "P", Count: CountRatio, Of: "a", By: "b", Unit: "%"}
	change := Metric{Name: "c", Title: "C", Count: CountRatio, Of: "a", By: "b", Change: true}
	events := []cairn.Event{did(1, 1, "A"), did(2, 1, "B"), did(2, 1, "B"), did(40, 1, "A"), did(40, 1, "B"), did(60, 1, "B")}
	got := metricsOf(t, []Metric{a, b, r, share, change}, events...)
	for name, want := range map[string]float64{"metric.r": 0.5, "metric.p": 50, "metric.c": -50} {
		if n, ok := got.Number(name); !ok || n != want {
			t.Errorf("%s is %+v, want %v", name, got[name], want)
		}
	}
	if s := metricsOf(t, []Metric{a, b, r}, did(1, 1, "A"))["metric.r"]; s.Known || !strings.Contains(s.Why, "B is 0") {
		t.Errorf("divided by nothing: %+v", s)
	}
	if s := metricsOf(t, []Metric{a, r}, events...)["metric.r"]; s.Known || s.Why == "" {
		t.Errorf("of a metric that is gone: %+v", s)
	}
}

func TestAMetricWhoseHistoryIsNotCountedIsMissing(t *testing.T) {
	m := Metric{Name: "m", Title: "M", Count: CountEvents, Events: []string{"A"}, Where: []Test{{"x", "exists", nil}}, Days: 28}
	s := folded(used(1, 1, "A", `{"x":1}`))
	if got := New(Settings{Metrics: []Metric{m}}).Measure(s, nil, noon)["metric.m"]; got.Known || !strings.Contains(got.Why, "still being counted") {
		t.Errorf("%+v", got)
	}
}

func TestAMetricThatDoesNotCompileNamesTheField(t *testing.T) {
	good := Metric{Name: "m", Title: "M", Count: CountEvents, Events: []string{"A"}, Days: 28}
	other := func(name string) (Metric, bool) {
		return map[string]Metric{"a": good, "r": {Count: CountRatio, Title: "R"}}[name], name == "a" || name == "r"
	}
	for field, change := range map[string]func(*Metric){
		"name":          func(m *Metric) { m.Name = "Not So" },
		"title":         func(m *Metric) { m.Title = " " },
		"count":         func(m *Metric) { m.Count = "median" },
		"days":          func(m *Metric) { m.Days = 0 },
		"events":        func(m *Metric) { m.Events, m.Where = nil, []Test{{"x", "exists", nil}} },
		"property":      func(m *Metric) { m.Count = CountSum },
		"per_seat":      func(m *Metric) { m.Change, m.PerSeat = true, true },
		"where.0.op":    func(m *Metric) { m.Where = []Test{{"x", "like", "y"}} },
		"where.1.value": func(m *Metric) { m.Where = []Test{{"x", "is", 1.0}, {"x", "above", "many"}} },
		"where.0.field": func(m *Metric) { m.Where = []Test{{"", "is", 1.0}} },
		"of":            func(m *Metric) { *m = Metric{Name: "m", Title: "M", Count: CountRatio, Of: "nope", By: "a"} },
		"by":            func(m *Metric) { *m = Metric{Name: "m", Title: "M", Count: CountRatio, Of: "a", By: "r"} },
		"change":        func(m *Metric) { m.Count, m.Days, m.Change = CountLast, 0, true },
	} {
		m := good
		change(&m)
		err, ok := m.Check(other).(*cairn.Error)
		if !ok || err.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := good.Check(other); err != nil {
		t.Error(err)
	}
}

func TestATestComparesAsAPersonMeansIt(t *testing.T) {
	props := propertiesOf(json.RawMessage(`{"plan":"Gold","seats":"12","n":3,"yes":true,"tags":["a","B"],"deep":{"er":5},"gone":null,"a.b":1}`))
	for _, tt := range []struct {
		test Test
		want bool
	}{
		{Test{"plan", "is", "gold"}, true}, {Test{"plan", "is_not", "gold"}, false}, {Test{"plan", "contains", "OL"}, true},
		{Test{"plan", "in", []any{"silver", "gold"}}, true}, {Test{"plan", "not_in", []any{"silver"}}, true}, {Test{"plan", "above", 3.0}, false},
		{Test{"seats", "above", 11.0}, true}, {Test{"seats", "is", 12.0}, true}, {Test{"seats", "below", 12.0}, false}, {Test{"n", "at_most", 3.0}, true},
		{Test{"n", "in", []any{3.0}}, true}, {Test{"yes", "is", true}, true}, {Test{"yes", "is", false}, false}, {Test{"tags", "contains", "b"}, true},
		{Test{"deep.er", "is", 5.0}, true}, {Test{"a.b", "is", 1.0}, true}, {Test{"deep.nope", "exists", nil}, false},
		{Test{"gone", "exists", nil}, false}, {Test{"gone", "missing", nil}, true}, {Test{"gone", "is", "x"}, false}, {Test{"gone", "is_not", "x"}, true},
		{Test{"gone", "above", -1.0}, false}, {Test{"gone", "contains", ""}, false},
	} {
		v, there := property(props, tt.test.Field)
		if got := tt.test.holds(v, there); got != tt.want {
			t.Errorf("%s: %v", tt.test, got)
		}
	}
}

func TestTheFirstSetWhoseConditionsHoldSaysWhatCounts(t *testing.T) {
	m := Meaningful{
		Choice: Choice{Only: []string{"A"}}, Products: map[string]Choice{"mobile": {Only: []string{"M"}}},
		Sets: []Set{
			{Name: "Big", All: []Test{{"trait.plan", "is", "gold"}, {"contract.seats", "at_least", 10.0}}, Choice: Choice{Only: []string{"B"}}},
			{Name: "Gold", All: []Test{{"trait.plan", "is", "gold"}}, Choice: Choice{Only: []string{"A", "B"}}},
		},
	}
	if err := m.Check(); err != nil {
		t.Fatal(err)
	}
	mobile := did(4, 5, "M")
	mobile.Product = "mobile"
	events := []cairn.Event{did(1, 1, "A"), did(2, 2, "B"), did(3, 3, "B"), mobile}
	plan := stated(9, cairn.OfAccount, 1, "crm", `{"plan":"gold"}`)
	seats := stated(5, cairn.OfContract, 1, "crm", `{"seats":12}`)
	c := New(Settings{Meaningful: m})
	for _, tt := range []struct {
		name  string
		facts []cairn.Event
		at    time.Time
		want  float64
	}{
		{"everybody, and in mobile what counts there", nil, noon, 2},
		{"gold", []cairn.Event{plan}, noon, 3},
		{"big", []cairn.Event{plan, seats}, noon, 2},
		{"big, as of when it was only gold", []cairn.Event{plan, seats}, daysAgo(5.5), 0},
	} {
		got := c.Measure(folded(append(tt.facts, events...)...), nil, tt.at)
		if n, ok := got.Number(Active28); n != tt.want || ok != (tt.want > 0) {
			t.Errorf("%s: %+v, want %v", tt.name, got[Active28], tt.want)
		}
	}
	for field, wrong := range map[string]Meaningful{
		"only":               {Choice: Choice{Only: []string{"A"}, Except: []string{"B"}}},
		"sets.0.name":        {Sets: []Set{{All: m.Sets[0].All}}},
		"sets.0.all":         {Sets: []Set{{Name: "X"}}},
		"sets.0.all.0.field": {Sets: []Set{{Name: "X", All: []Test{{Active28, "above", 1.0}}}}},
	} {
		err, ok := wrong.Check().(*cairn.Error)
		if !ok || err.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestEachOfSeveralProductsHasItsOwnNumbers(t *testing.T) {
	app := did(3, 2, "A")
	app.Product = "app"
	got := New(Settings{}).Measure(folded(did(1, 1, "A"), did(2, 2, "A"), app), nil, noon)
	for name, want := range map[string]float64{Active28: 2, Active28 + "@": 2, Active28 + "@app": 1, SinceActivity + "@app": 3} {
		if n, ok := got.Number(name); !ok || n != want {
			t.Errorf("%s is %+v, want %v", name, got[name], want)
		}
		if _, ok := Find(name); !ok {
			t.Errorf("%s has no meaning", name)
		}
	}
	if _, ok := New(Settings{}).Measure(folded(did(1, 1, "A")), nil, noon)[Active28+"@"]; ok {
		t.Error("one product alone has numbers of its own")
	}
}

func TestNoEventHasTheNameOfACounter(t *testing.T) {
	key := Counter{Events: []string{"A"}}.Key()
	s := folded(did(1, 1, key))
	if _, ok := s.Tallies[Key{"", cairn.DayOf(daysAgo(1), time.UTC), key}]; ok {
		t.Error("an event was tallied as a counter")
	}
	if a, b := (Counter{Events: []string{"A", "B"}}).Key(), (Counter{Events: []string{"B", "A", "B"}}).Key(); a != b {
		t.Error("the order of names makes another counter")
	}
}

func TestWhatIsCountedMakesANewBaseLine(t *testing.T) {
	m := Metric{Name: "m", Title: "M", Count: CountEvents, Events: []string{"A"}, Where: []Test{{"x", "exists", nil}}, Days: 28}
	all := func(string) bool { return true }
	none := func(string) bool { return false }
	plain, ready := NewState(time.UTC), NewState(time.UTC)
	ready.Counters = Prepare(Settings{Metrics: []Metric{m}}.Counters())
	as := Settings{Meaningful: Meaningful{Choice: Choice{Except: DefaultExcept()}}}
	if got := as.Counted(plain, all); got != "" {
		t.Errorf("as Cairn comes it is %q", got)
	}
	seen := map[string]string{}
	for name, text := range map[string]string{
		"another choice":           Settings{Meaningful: Meaningful{Choice: Choice{Only: []string{"A"}}}}.Counted(plain, all),
		"a metric":                 Settings{Metrics: []Metric{m}}.Counted(plain, all),
		"whose history is counted": Settings{Metrics: []Metric{m}}.Counted(ready, all),
	} {
		if other, ok := seen[text]; ok || text == "" {
			t.Errorf("%s is like %s: %q", name, other, text)
		}
		seen[text] = name
	}
	if got := (Settings{Metrics: []Metric{m}}).Counted(plain, none); got != "" {
		t.Errorf("a metric that nobody reads makes a new base line: %q", got)
	}
}
