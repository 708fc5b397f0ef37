package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const lung = "../../internal/survival/testdata/lung.csv"

func TestFitLogrankPrintsTheTest(t *testing.T) {
	r := run(t, "", "fit", "logrank", lung, "--group", "sex", "--json")
	var out fitCompared
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || r.code != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	if math.Abs(out.ChiSquared-10.326742) > 1e-6 || out.Freedom != 1 || len(out.Groups) != 2 || out.Groups[0].N != 138 {
		t.Errorf("%+v", out)
	}
}

func TestFitKMPrintsCurvesAndAMeanAsFarAsAllAreKnown(t *testing.T) {
	r := run(t, "", "fit", "km", lung, "--group", "sex", "--json")
	var out fitCurves
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || r.code != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	if len(out.Curves) != 2 || out.Curves[0].Group != "1" || *out.Curves[0].Median.Time != 270 || out.Curves[0].Mean.Horizon != 965 {
		t.Errorf("%+v", out)
	}
	if last := out.Curves[0].Points[len(out.Curves[0].Points)-1]; last.Risk == 0 || last.Err == nil {
		t.Errorf("last point %+v", last)
	}
}

func TestFitSBGPrintsParametersAndTheCurve(t *testing.T) {
	name := filepath.Join(t.TempDir(), "survivors.csv")
	text := "year,survivors\n0,100\n1,86.9\n2,74.3\n3,65.3\n4,59.3\n5,55.1\n6,51.7\n7,49.1\n8,46.8\n"
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r := run(t, "", "fit", "sbg", name, "--periods", "7", "--horizon", "12", "--json")
	var out fitBeta
	if err := json.Unmarshal([]byte(r.out), &out); err != nil || r.code != 0 {
		t.Fatalf("%v, %+v", err, r)
	}
	if math.Abs(out.Alpha-0.66809) > 1e-3 || math.Abs(out.Beta-3.80609) > 1e-3 || len(out.Curve) != 13 {
		t.Errorf("%+v", out)
	}
	if p := out.Curve[8]; p.Observed == nil || *p.Observed != 46.8 || math.Abs(p.Survivors-46.04) > 0.01 || out.Curve[9].Observed != nil {
		t.Errorf("period 8: %+v", p)
	}
}

func TestFitNamesWhatToCorrect(t *testing.T) {
	for _, c := range []struct {
		name string
		args []string
		want string
		code int
	}{
		{"no file", []string{"fit", "km", "nowhere.csv"}, "nowhere.csv", 3},
		{"no group", []string{"fit", "logrank", lung}, "--group", 2},
		{"no such column", []string{"fit", "km", lung, "--time", "weeks"}, "inst, time, status", 2},
		{"not an interval", []string{"fit", "km", lung, "--interval", "wald"}, "log or log-log", 2},
		{"beyond what is known", []string{"fit", "km", lung, "--horizon", "5000"}, "1022", 2},
		{"too many periods", []string{"fit", "sbg", lung, "--time", "age", "--survivors", "sex", "--periods", "9"}, "", 2},
	} {
		r := run(t, "", c.args...)
		if r.code != c.code || !strings.Contains(r.err, c.want) {
			t.Errorf("%s: code %d, %q; want %d and %q", c.name, r.code, r.err, c.code, c.want)
		}
	}
}
