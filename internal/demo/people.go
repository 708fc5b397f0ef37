package demo

import (
	"fmt"
	"slices"
	"strings"

	"cairn"
)

// A person works at a customer.
type person struct {
	key    string
	name   string
	title  string
	role   string
	join   cairn.Day // first day with an account; 0: before the first day told
	leave  cairn.Day // first day without; 0: stays
	tells  int       // days until somebody notes that they have left
	likely float64   // of being seen on an ordinary day when all is well
}

func (p person) mail(a *customer) string {
	return strings.ReplaceAll(strings.ToLower(p.name), " ", ".") + "@" + a.domain()
}

// here reports whether p is there on day d.
func (p person) here(d cairn.Day) bool { return d >= p.join && (p.leave == 0 || d < p.leave) }

var principals = []struct {
	role   string
	likely float64
}{{"champion", 0.72}, {"administrator", 0.6}, {"sponsor", 0.06}, {"economic_buyer", 0.02}}

// A crew is the people of a customer while they are invented.
type crew struct {
	dice
	a      *customer
	people []person
}

func (w *crew) add(role string, likely float64, join cairn.Day) {
	w.people = append(w.people, person{
		key: fmt.Sprintf("u%04d-%02d", w.a.n, len(w.people)+1), role: role, title: w.pick(titles[role]),
		name: w.unusedName(), join: join, likely: likely,
	})
}

// hire invents the people of a: the four who matter, the users who come in the
// first weeks, those who come with each expansion, a few who leave and are
// followed by somebody new.
func (c *Company) hire(a *customer) []person {
	w := &crew{dice: c.dice(a.n, staffTheme, 0), a: a}
	for _, p := range principals {
		role := p.role
		if a.aloof && role == "champion" {
			role = "user"
		}
		w.add(role, p.likely, a.trial)
	}
	for n := a.taken(); len(w.people) < n; {
		join := cairn.Day(0)
		if a.trial != 0 {
			join = workday(a.trial + cairn.Day(w.between(0, 45)))
		}
		w.add("user", w.userLikely(), join)
	}
	for _, s := range a.growth {
		for i := 0; i < s.seats*4/5; i++ {
			w.add("user", w.userLikely(), workday(max(s.day-cairn.Day(w.between(-20, 35)), a.trial)))
		}
	}
	w.turnover(c)
	if a.cause == LostChampion {
		w.loseChampion()
	}
	return w.people
}

// taken is how many of the seats people use when all is well; where a seat is
// short they outnumber the seats.
func (a *customer) taken() int {
	return max(5, int(float64(a.seats)*a.part))
}

func (w *crew) userLikely() float64 {
	switch x := w.Float64(); {
	case x < 0.3:
		return w.in(0.45, 0.75)
	case x < 0.75:
		return w.in(0.15, 0.4)
	}
	return w.in(0.03, 0.1)
}

// unusedName invents a name that nobody else of the crew has.
func (w *crew) unusedName() string {
	for {
		name := w.pick(firstNames) + " " + w.pick(lastNames)
		if !slices.ContainsFunc(w.people, func(p person) bool { return p.name == name }) {
			return name
		}
	}
}

// turnover lets one user in ten leave some day; somebody new comes.
func (w *crew) turnover(c *Company) {
	for i := range w.people {
		if w.people[i].role != "user" || !w.chance(0.1) {
			continue
		}
		day := max(c.start, w.people[i].join) + cairn.Day(w.between(40, int(c.horizon-c.start)))
		if day < c.horizon {
			w.people[i].leave, w.people[i].tells = day, w.between(3, 30)
			w.add("user", w.people[i].likely, workday(day+cairn.Day(w.between(10, 40))))
		}
	}
}

// loseChampion lets the champion leave: gone at once, and noted down weeks
// later (R110, R115).
func (w *crew) loseChampion() {
	i := slices.IndexFunc(w.people, func(p person) bool { return p.role == "champion" })
	w.people[i].leave, w.people[i].tells = w.a.onset, w.between(10, 25)
}

// who returns somebody of a role who is there on day d, else anybody who is.
func (a *customer) who(role string, d cairn.Day) (person, bool) {
	var any person
	found := false
	for _, p := range a.people {
		if !p.here(d) {
			continue
		}
		if p.role == role {
			return p, true
		}
		if !found {
			any, found = p, true
		}
	}
	return any, found
}
