package ingest

import (
	"encoding/json"
	"net/netip"
	"strings"
	"unicode"

	"cairn"
)

// classes decide which properties of one source are personal. What the source
// declares holds; then the vocabulary; then what the name and the value look
// like. Where it cannot be told, a text that somebody may have typed is sealed.
type classes struct {
	declared map[string]class // by lower-case name or dotted path
}

func newClasses(src Source) classes {
	c := classes{declared: make(map[string]class, len(src.Personal)+len(src.Plain))}
	for _, name := range src.Personal {
		c.declared[strings.ToLower(name)] = personal
	}
	for _, name := range src.Plain {
		c.declared[strings.ToLower(name)] = plain
	}
	src.Contract.declared(c.declared, strings.ToLower)
	return c
}

// split divides props into what everybody may read and what is sealed. It
// walks into objects; a list with anything personal in it is sealed whole, and
// so is each field of a record's patch, since a field has one value. A null
// goes where its name belongs.
func (c classes) split(kind cairn.EventKind, props map[string]any) (open, sealed map[string]any) {
	w := walk{classes: c, kind: kind, whole: kind.IsRecord(), person: kind == cairn.OfPerson}
	if kind == cairn.OfTask {
		w.play, _ = props["play"].(string)
	}
	return w.object("", props)
}

// A walk goes through the properties of one event.
type walk struct {
	classes classes
	kind    cairn.EventKind
	play    string // of a task: who made it; empty: a person
	whole   bool   // do not divide objects
	person  bool   // the object describes a person: its "name" is one's name
}

func (w walk) object(path string, props map[string]any) (open, sealed map[string]any) {
	for name, v := range props {
		o, s := w.value(path, name, v)
		if o != none {
			open = put(open, name, o)
		}
		if s != none {
			sealed = put(sealed, name, s)
		}
	}
	return open, sealed
}

func put(m map[string]any, name string, v any) map[string]any {
	if m == nil {
		m = map[string]any{}
	}
	m[name] = v
	return m
}

// none stands for "nothing of it", which a null is not.
var none any = struct{ nothing bool }{}

// value divides one property.
func (w walk) value(path, name string, v any) (open, sealed any) {
	full := name
	if path != "" {
		full = path + "." + name
	}
	inner := w
	switch class := w.class(path, full, name, v); {
	case class == plain:
		return v, none
	case class == personal:
		return none, v
	default:
		inner = w.into(name)
	}
	switch v := v.(type) {
	case map[string]any:
		o, s := inner.object(full, v)
		switch {
		case len(s) == 0:
			return v, none
		case len(o) == 0 || w.whole:
			return none, v
		}
		return o, s
	case []any:
		for _, element := range v {
			if _, s := inner.value(full, "", element); s != none {
				return none, v
			}
		}
	case nil, string, bool, json.Number, float64, int, int64:
	default: // a Go value of a caller of ours: as JSON will show it
		b, err := json.Marshal(v)
		var generic any
		if err == nil && json.Unmarshal(b, &generic) == nil {
			if _, s := inner.value(full, name, generic); s != none {
				return none, v
			}
		}
	}
	return v, none
}

// class says what is known of a property before looking inside it.
func (w walk) class(path, full, name string, v any) class {
	if len(w.classes.declared) > 0 {
		if c, ok := w.classes.declared[strings.ToLower(full)]; ok {
			return c
		}
		if c, ok := w.classes.declared[strings.ToLower(name)]; ok && name != "" {
			return c
		}
	}
	if path == "" {
		if f, ok := vocabulary[w.kind][name]; ok && f.class != byLooks {
			switch {
			case w.kind == cairn.OfTask && w.play != "":
				return plain
			case f.class == personal, w.kind == cairn.OfTask, !hasParts(v): // what is plain as a text may not be as an object
				return f.class
			}
		}
	}
	if w.looksPersonal(name, v) {
		return personal
	}
	return byLooks
}

func hasParts(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// into is the walk within a property of this name: a person's company has a
// name that everybody may read, an event's user has not.
func (w walk) into(name string) walk {
	for _, word := range words(name) {
		switch {
		case orgs[word]:
			w.person = false
		case people[word], whom[word]:
			w.person = true
		}
	}
	return w
}

func (w walk) looksPersonal(name string, v any) bool {
	s, text := v.(string)
	if text && valueLooksPersonal(s) {
		return true
	}
	if name == "" {
		return false
	}
	if looksLikeMail(name) {
		return true
	}
	ws := words(name)
	switch v.(type) {
	case bool:
		return false
	case map[string]any:
		if len(ws) > 0 && whom[ws[len(ws)-1]] {
			return false // what is said of somebody is looked at one by one
		}
		return nameLooksPersonal(ws, w.person, true)
	case string, nil, []any:
		return nameLooksPersonal(ws, w.person, true)
	}
	return nameLooksPersonal(ws, w.person, false)
}

// What the words of names mean. A number is personal only under numbers,
// numbersOf and idOf.
var (
	addresses = wordSet("email mail emails phone mobile telephone tel fax address addresses street zip zipcode postcode postal " +
		"username nickname avatar photo gravatar signature ssn passport iban useragent")
	freeText = wordSet("comment comments message messages body text note notes description subject feedback reply query search " +
		"remark remarks verbatim transcript")
	secrets   = wordSet("password passwd token secret cookie credential credentials")
	whom      = wordSet("recipient recipients assignee author creator invitee invitees attendee attendees sender contact cc bcc")
	names     = wordSet("firstname lastname fullname surname givenname familyname middlename displayname forename")
	nameOf    = wordSet("first last middle full given family maiden nick user display contact person customer author sender recipient assignee employee member invitee attendee")
	ofPerson  = wordSet("name names city title position gender sex age")
	alone     = wordSet("first last login") // "last", but not "last_seen"
	orgs      = wordSet("company account organization organisation team group product products plan item items")
	people    = wordSet("user users person people contacts customer member members traits")
	aboutText = wordSet("type kind count status state format template category size length provider color colour language lang channel version domain id ids hash")
	numbers   = wordSet("phone mobile telephone tel fax ssn passport iban zip zipcode postcode ip birthday birthdate dob birth latitude longitude lat lng lon")
	numbersOf = wordSet("age")
	idOf      = wordSet("user person anonymous visitor distinct device session advertising contact member employee")
	doneBy    = wordSet("created updated modified invited assigned approved requested uploaded sent shared")
)

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// nameLooksPersonal judges a property by the words of its name. person: it
// describes a person. text: it may hold what somebody typed.
func nameLooksPersonal(ws []string, person, text bool) bool {
	if len(ws) == 0 {
		return false
	}
	if n := len(ws); n > 1 {
		switch last, before := ws[n-1], ws[n-2]; {
		case last == "id" && idOf[before]:
			return true
		case last == "key" && before == "api", last == "by" && doneBy[before]:
			return text
		case aboutText[last]:
			return false
		}
	}
	before := ""
	for _, w := range ws {
		switch {
		case numbers[w], person && numbersOf[w]:
			return true
		case !text:
		case addresses[w], freeText[w], names[w], secrets[w], whom[w] && w == ws[len(ws)-1], alone[w] && len(ws) == 1, w == "agent" && before == "user":
			return true
		case w == "name" && nameOf[before], person && ofPerson[w] && !orgs[before]:
			return true
		}
		before = w
	}
	return false
}

// words splits a name such as "userIP_address" into "user", "ip", "address".
func words(name string) []string {
	var out []string
	var b strings.Builder
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	runes := []rune(name)
	for i, r := range runes {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0:
			after := i+1 < len(runes) && unicode.IsLower(runes[i+1])
			if !unicode.IsUpper(runes[i-1]) || after {
				flush()
			}
		}
		b.WriteRune(unicode.ToLower(r))
	}
	flush()
	return out
}

// valueLooksPersonal reports whether a text holds a mail address, is a phone
// number or a network address, or carries the query of a URL or the name of a
// browser.
func valueLooksPersonal(s string) bool {
	switch {
	case len(s) < 3:
		return false
	case looksLikeMail(s), looksLikePhone(s):
		return true
	case strings.Contains(s, "://") && strings.Contains(s, "?"), strings.HasPrefix(s, "?") && strings.Contains(s, "="):
		return true
	case strings.HasPrefix(s, "Mozilla/"):
		return true
	case len(s) <= 45 && strings.ContainsAny(s, ".:"):
		_, err := netip.ParseAddr(s)
		return err == nil
	}
	return false
}

// looksLikeMail reports whether something@host.tld occurs in s.
func looksLikeMail(s string) bool {
	for i := strings.IndexByte(s, '@'); i >= 0; {
		host := s[i+1:]
		if end := strings.IndexFunc(host, func(r rune) bool {
			return r != '.' && r != '-' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
		}); end >= 0 {
			host = host[:end]
		}
		host = strings.Trim(host, ".-")
		if i > 0 && !strings.ContainsRune(" \t\n<>(),;:\"'/@", rune(s[i-1])) && strings.Contains(host, ".") {
			return true
		}
		next := strings.IndexByte(s[i+1:], '@')
		if next < 0 {
			return false
		}
		i += 1 + next
	}
	return false
}

// looksLikePhone reports whether s is written as phone numbers are: 8 to 15
// digits after a plus, a bracket or a leading zero with gaps, or as 3-3-4.
func looksLikePhone(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) < 8 || len(s) > 25 || !strings.ContainsRune("+(0123456789", rune(s[0])) {
		return false
	}
	digits, gaps, shape := 0, 0, make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits++
			shape = append(shape, '0')
		case strings.IndexByte(" ()-./", c) >= 0:
			gaps++
			shape = append(shape, '-')
		case c == '+' && i == 0:
		default:
			return false
		}
	}
	switch {
	case digits < 8 || digits > 15:
		return false
	case s[0] == '+':
		return !strings.Contains(s, ".")
	case s[0] == '(':
		return true
	case s[0] == '0':
		return gaps > 0 && !strings.Contains(s, ".") && digits >= 9
	}
	return string(shape) == "000-000-0000"
}
