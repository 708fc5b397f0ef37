package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"cairn"
	"cairn/internal/driver"
	"cairn/internal/usage"
)

// A driversView is the page of what people who stay do early.
type driversView struct {
	usage.Found
	Asked    driver.Params
	Products []string
	Progress usage.Progress
	Ready    bool
	None     bool // no event was ever seen
}

func (s *site) drivers(w http.ResponseWriter, r *http.Request, v View) error {
	c, err := s.Usage.Events(r.Context(), false)
	if err != nil {
		return err
	}
	t := driversView{Products: c.Products, None: len(c.Events) == 0, Asked: driver.Params{Early: driver.DefaultEarly, Later: driver.DefaultLater}}
	if t.Asked.Product = r.FormValue("product"); !r.Form.Has("product") && len(c.Events) > 0 {
		t.Asked.Product = c.Events[0].Product
	}
	for name, into := range map[string]*int{"early": &t.Asked.Early, "later": &t.Asked.Later} {
		if text := r.FormValue(name); text != "" {
			if *into, err = strconv.Atoi(text); err != nil {
				return cairn.Errorf(cairn.Invalid, "A window is a number of days.").At(name)
			}
		}
	}
	if t.Found, t.Progress, err = s.Usage.Drivers(r.Context(), t.Asked, false); err != nil {
		return err
	}
	t.Ready = !t.At.IsZero()
	if v.Partial && !t.Ready && r.FormValue("v") == t.version() {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	if v.Partial {
		return s.write(w, r, http.StatusOK, driversResult(v, t))
	}
	return s.render(w, r, v, Page{Title: "Usage", Active: "usage"}, driversPage(v, t))
}

func (t driversView) version() string { return fmt.Sprint(t.Progress.Done) }

// address asks for the same again.
func (t driversView) address() string {
	q := url.Values{"product": {t.Asked.Product}, "early": {strconv.Itoa(t.Asked.Early)}, "later": {strconv.Itoa(t.Asked.Later)}, "v": {t.version()}}
	return "/usage/drivers?" + q.Encode()
}

// suggested are the events that people who stay do early, and do not count.
func (t driversView) suggested() (names []string) {
	for _, d := range t.Drivers {
		if d.Verdict == driver.Stays && !d.Meaningful {
			names = append(names, d.Name)
		}
	}
	return names
}

// tick leads to the page of what counts with events ticked.
func tick(names ...string) string {
	return "/usage?" + url.Values{"tick": names}.Encode()
}

// An interval is a lift with its interval on a logarithmic scale from a half
// to two, in a box of 120 by 16; what is longer is cut.
type interval struct{ From, To, At, One string }

func intervalOf(d driver.Driver) interval {
	place := func(lift float64) float64 {
		if lift <= 0 {
			return 0
		}
		return min(max((math.Log2(lift)+1)*60, 0), 120)
	}
	text := func(x float64) string { return fmt.Sprintf("%.1f", x) }
	return interval{text(place(d.Low)), text(place(d.High)), text(place(d.Lift)), "60"}
}

func verdictWord(d driver.Driver) (word, look string) {
	switch d.Verdict {
	case driver.Stays:
		return "stay more", "good"
	case driver.Leaves:
		return "stay less", "warn"
	case driver.Same:
		return "no clear difference", ""
	}
	return "too few to tell", ""
}

// clear reports whether any event shows something.
func (t driversView) clear() bool {
	return slices.ContainsFunc(t.Drivers, func(d driver.Driver) bool { return d.Verdict == driver.Stays || d.Verdict == driver.Leaves })
}
