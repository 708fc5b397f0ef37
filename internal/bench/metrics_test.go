package bench

import "testing"

func TestMetricsMeasuresWhatItSays(t *testing.T) {
	r, err := Metrics{Subscriptions: 2000, Years: 2, Say: func(string) {}}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Subscriptions != 2000 || r.Customers == 0 || r.Movements < r.Customers/2 || r.PerSecond <= 0 || r.CohortMonths != 24 || r.Lifetimes != 2000 || r.KM <= 0 || r.KMFromCSV <= 0 || r.MemoryMB <= 0 {
		t.Errorf("%+v", r)
	}
	if _, err := (Metrics{Subscriptions: 0, Years: 1}).Run(t.Context()); err == nil {
		t.Error("nothing was measured without a complaint")
	}
}
