package ingest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// A field is what the vocabulary says of one field of a kind of record. Other
// fields are allowed and kept as they are.
type field struct {
	read  reader // nil: any value
	class class
}

// A reader returns v as it is kept, or what is wrong with it. It never sees a
// null, which clears.
type reader func(v any, p patch) (any, string)

// A patch is what a reader may look at beside its own value.
type patch struct {
	props    map[string]any
	currency string // of the workspace
}

// A class says who may read a property.
type class int

const (
	byLooks  class = iota // as its name and value suggest
	plain                 // everybody
	personal              // sealed under the person's key
)

// vocabulary names the fields that Cairn itself reads.
var vocabulary = map[cairn.EventKind]map[string]field{
	cairn.Interaction: {
		"type":          {oneOf("note", "call", "meeting", "mail"), plain},
		"mood":          {oneOf("good", "neutral", "bad"), plain},
		"next_step_due": {readDate, plain},
		"text":          {nil, personal},
		"next_step":     {nil, personal},
		"who":           {nil, personal},
	},
	cairn.OfAccount: {
		"name":       {readText, plain},
		"domain":     {readText, plain},
		"owner":      {readText, plain},
		"status":     {oneOf("lead", "trial", "customer", "churned", "ignored"), plain},
		"industry":   {readText, byLooks},
		"plan":       {nil, byLooks},
		"parent":     {readText, plain},
		"seats":      {readCount, plain},
		"created_at": {readDate, plain},
	},
	cairn.OfPerson: {
		"name":       {readText, personal},
		"email":      {readText, personal},
		"phone":      {readText, personal},
		"title":      {readText, personal},
		"role":       {readRole, plain},
		"opted_out":  {readTruth, plain},
		"created_at": {readDate, plain},
	},
	cairn.OfContract: {
		"product":      {readText, plain},
		"mrr":          {readAmount, plain},
		"currency":     {readCurrency, plain},
		"start":        {readDate, plain},
		"renews":       {readDate, plain},
		"end":          {readDate, plain},
		"seats":        {readCount, plain},
		"status":       {oneOf("active", "cancelled", "trial", "paused"), plain},
		"auto_renew":   {readTruth, plain},
		"cancelled_at": {readDate, plain},
	},
	cairn.OfInvoice: {
		"amount":          {readAmount, plain},
		"currency":        {readCurrency, plain},
		"issued":          {readDate, plain},
		"due":             {readDate, plain},
		"paid_at":         {readDate, plain},
		"failed_payments": {readCount, plain},
		"status":          {oneOf("open", "paid", "failed", "void"), plain},
	},
	cairn.OfTicket: {
		"subject":   {nil, personal},
		"status":    {oneOf("open", "pending", "solved", "closed"), plain},
		"priority":  {oneOf("low", "normal", "high", "urgent"), plain},
		"opened":    {readDate, plain},
		"closed":    {readDate, plain},
		"reopened":  {readCount, plain},
		"escalated": {readTruth, plain},
	},
	cairn.OfAnswer: {
		"survey":   {oneOf("nps", "csat", "ces"), plain},
		"score":    {readScore, plain},
		"comment":  {nil, personal},
		"answered": {readDate, plain},
	},
	cairn.OfTask: {
		"title":    {readProse, personal}, // plain when a play made it
		"why":      {readProse, personal},
		"outcome":  {readProse, personal},
		"type":     {readText, plain},
		"owner":    {readText, plain},
		"priority": {readCount, plain},
		"due":      {readDate, plain},
		"state":    {oneOf("open", "snoozed", "done", "dismissed"), plain},
		"until":    {readDate, plain},
		"play":     {readText, plain},
		"planned":  {readDate, plain},
		"closed":   {readDate, plain},
		"reasons":  {nil, plain},
	},
}

// checkFields returns props with the fields of the vocabulary as they are
// kept, or names the first one (by name) that cannot be read.
func checkFields(kind cairn.EventKind, props map[string]any, currency string) (map[string]any, *cairn.Error) {
	fields := vocabulary[kind]
	if len(fields) == 0 {
		return props, nil
	}
	p := patch{props: props, currency: currency}
	out := make(map[string]any, len(props))
	bad, why := "", ""
	for name, v := range props {
		if kind.IsRecord() && checkText("", name) != nil {
			return nil, cairn.Errorf(cairn.Invalid, "The name of a field is too long or holds a control character.").At("props")
		}
		f := fields[name]
		if s, ok := v.(string); ok && f.read != nil && strings.TrimSpace(s) == "" {
			v = nil
		}
		if v != nil && f.read != nil {
			kept, problem := f.read(v, p)
			if problem != "" && (bad == "" || name < bad) {
				bad, why = name, problem
			}
			v = kept
		}
		out[name] = v
	}
	if bad != "" {
		return nil, cairn.Errorf(cairn.Invalid, "%s", why).At(bad)
	}
	return out, nil
}

// readText reads a text that rows are found and sorted by.
func readText(v any, p patch) (any, string) {
	kept, problem := readProse(v, p)
	if s, _ := kept.(string); len(s) > maxField {
		return nil, "It is too long for a name."
	}
	return kept, problem
}

// readProse reads a text of any length that an event may have.
func readProse(v any, _ patch) (any, string) {
	s, ok := textOf(v)
	switch {
	case !ok:
		return nil, "It is not a text."
	case strings.ContainsRune(s, 0):
		return nil, "It holds a zero byte."
	}
	return s, ""
}

// textOf returns a text, or a number as text; anything else is not one.
func textOf(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return strings.TrimSpace(v), true
	case json.Number:
		return v.String(), true
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

func readDate(v any, _ patch) (any, string) {
	if s, ok := v.(string); ok {
		s = strings.TrimSpace(s)
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if _, err := time.Parse(layout, s); err == nil {
				return s, ""
			}
		}
	}
	t, ok := moment(v)
	if !ok {
		return nil, "It is not a date: RFC 3339 or YYYY-MM-DD is needed."
	}
	return t.UTC().Format(time.RFC3339Nano), ""
}

// layouts of timestamps that senders are known to use beside RFC 3339.
var layouts = []string{
	time.RFC3339Nano, "2006-1-2T15:4:5.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.DateOnly,
}

// moment reads a point in time: text in one of the layouts (without a zone:
// UTC), or seconds or milliseconds since 1970.
func moment(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		v = strings.TrimSpace(v)
		for _, layout := range layouts {
			if t, err := time.Parse(layout, v); err == nil {
				return t.UTC(), true
			}
		}
		if !decimal(v) {
			return time.Time{}, false
		}
	}
	s, ok := textOf(v)
	if !ok {
		return time.Time{}, false
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case err != nil || f < 1e8 || f >= 1e14:
		return time.Time{}, false
	case f < 1e11:
		return time.UnixMicro(int64(f * 1e6)).UTC(), true
	}
	return time.UnixMicro(int64(f * 1e3)).UTC(), true
}

// decimal reports whether s is a plain decimal number of a sane length, such
// as "-1204.50": no exponent, no fraction, no other base.
func decimal(s string) bool {
	s = strings.TrimPrefix(s, "-")
	whole, part, point := strings.Cut(s, ".")
	digits := func(s string) bool {
		return s != "" && strings.Trim(s, "0123456789") == ""
	}
	return len(s) <= 30 && digits(whole) && (!point || digits(part))
}

func readAmount(v any, p patch) (any, string) {
	s, ok := textOf(v)
	if !ok || !decimal(s) {
		return nil, "It is not an amount: a plain decimal number such as 1204.50 is needed."
	}
	currency := p.currency
	if c, ok := p.props["currency"].(string); ok && strings.TrimSpace(c) != "" {
		currency = c
	}
	if _, err := cairn.ParseMoney(s, currency); err != nil {
		return nil, "It has more decimals than the currency knows, or is too large."
	}
	return v, ""
}

func readCurrency(v any, _ patch) (any, string) {
	s, _ := v.(string)
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, "It is not a currency: three letters such as EUR are needed."
	}
	return s, ""
}

func readCount(v any, _ patch) (any, string) {
	s, ok := textOf(v)
	n, err := strconv.ParseFloat(s, 64)
	if !ok || err != nil || n < 0 || n > 1e12 || n != float64(int64(n)) {
		return nil, "It is not a whole number of 0 or more."
	}
	return json.Number(strconv.FormatInt(int64(n), 10)), ""
}

func readTruth(v any, _ patch) (any, string) {
	if b, ok := v.(bool); ok {
		return b, ""
	}
	s, _ := textOf(v)
	switch strings.ToLower(s) {
	case "true", "yes", "1":
		return true, ""
	case "false", "no", "0":
		return false, ""
	}
	return nil, "It is neither true nor false."
}

func readScore(v any, p patch) (any, string) {
	s, ok := textOf(v)
	n, err := strconv.ParseFloat(s, 64)
	if !ok || err != nil {
		return nil, "It is not a number."
	}
	survey, _ := p.props["survey"].(string)
	switch low, high := scale(word(survey)); {
	case !(n >= low && n <= high): // also of NaN
		return nil, "The score lies outside the scale of its survey (nps 0 to 10, csat 1 to 5, ces 1 to 7)."
	}
	return json.Number(strconv.FormatFloat(n, 'f', -1, 64)), ""
}

// scale returns the lowest and highest score of a survey; of one that is not
// named, the widest there is.
func scale(survey string) (low, high float64) {
	switch survey {
	case "csat":
		return 1, 5
	case "ces":
		return 1, 7
	}
	return 0, 10
}

// oneOf reads one of a few words, in any case and with spaces or hyphens.
func oneOf(words ...string) reader {
	return func(v any, _ patch) (any, string) {
		s, _ := v.(string)
		s = word(s)
		for _, w := range words {
			if s == w {
				return w, ""
			}
		}
		return nil, "It must be one of " + strings.Join(words, ", ") + "."
	}
}

func word(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// readRole knows what products commonly call two of the roles.
func readRole(v any, p patch) (any, string) {
	if s, ok := v.(string); ok {
		switch word(s) {
		case "admin":
			return "administrator", ""
		case "member":
			return "user", ""
		}
	}
	return oneOf("user", "administrator", "champion", "sponsor", "economic_buyer", "beneficiary")(v, p)
}
