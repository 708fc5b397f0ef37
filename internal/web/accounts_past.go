package web

import (
	"net/url"

	"cairn"
	"cairn/internal/account"
)

// accountsThen returns where the list of f comes from. For a day that is past
// v's now becomes its end; a day that is not is left out of f.
func (s *site) accountsThen(f *accountsFilter, v *View) account.Lister {
	if f.Then == 0 || f.Then >= v.Today() || s.Past == nil {
		f.Then = 0
		return s.Accounts
	}
	v.Now = f.Then.End(v.Zone)
	return s.Past.At(v.Now)
}

// then returns f as of another day; 0 is now.
func (f accountsFilter) then(day cairn.Day) accountsFilter {
	f.Then, f.Cursor = day, ""
	return f
}

// account is where one account of the list lives, at the moment of the list.
func (f accountsFilter) account(a cairn.Account, anchor string) string {
	path := "/accounts/" + a.ID.String()
	if f.Then != 0 {
		path += "?at=" + f.Then.String()
	}
	return path + anchor
}

// others are the parameters of f besides the day, for a form that asks for it.
func (f accountsFilter) others() map[string]string {
	out := map[string]string{}
	for name, v := range f.then(0).values() {
		out[name] = v[0]
	}
	return out
}

// accountsJumps are days that people go back to.
func accountsJumps(v View) []Crumb {
	t := v.Today()
	return []Crumb{
		{"A week ago", (t - 7).String()}, {"30 days ago", (t - 30).String()}, {"90 days ago", (t - 90).String()}, {"A year ago", (t - 365).String()},
	}
}

// withDay are the parameters of f as of another day.
func withDay(f accountsFilter, day string) url.Values {
	v := f.then(0).values()
	v.Set("at", day)
	return v
}
