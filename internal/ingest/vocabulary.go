package ingest

import (
	"encoding/json"
	"maps"
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
	keep  bool // what cannot be read is kept as a trait, see [asSent]
}

// A reader returns v as it is kept, or what is wrong with it. It never sees a
// null, which clears.
type reader func(v any, p patch) (any, flaw)

// A flaw is what is wrong with a value; the zero one is none.
type flaw struct{ code, text string }

var fine flaw

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
		"type":          {read: oneOf("note", "call", "meeting", "mail"), class: plain},
		"mood":          {read: oneOf("good", "neutral", "bad"), class: plain},
		"next_step_due": {read: readDate, class: plain},
		"text":          {class: personal},
		"next_step":     {class: personal},
		"who":           {class: personal},
	},
	cairn.OfAccount: {
		"name":     {read: readText, class: plain},
		"domain":   {read: readText, class: plain},
		"owner":    {read: readText, class: plain},
		"status":   {read: oneOf("lead", "trial", "customer", "churned", "ignored"), class: plain, keep: true},
		"industry": {read: readText, class: byLooks},
		"plan":     {class: byLooks},
		"parent":   {read: readText, class: plain},

		"website":          {read: readText, class: plain},
		"verified_domains": {read: readDomains, class: plain},
		"external_ids":     {read: readIDs, class: plain},
		"seats":            {read: readCount, class: plain},
		"created_at":       {read: readDate, class: plain},

		"payment_method": {read: readText, class: plain}, // card, transfer, direct debit …
		"card_expires":   {read: readMonth, class: plain},
	},
	cairn.OfPerson: {
		"name":  {read: readText, class: personal},
		"email": {read: readText, class: personal},
		"phone": {read: readText, class: personal},
		"title": {read: readText, class: personal},
		"role":  {read: readRole, class: plain, keep: true},

		"external_ids": {read: readIDs, class: personal},
		"opted_out":    {read: readTruth, class: plain},
		"created_at":   {read: readDate, class: plain},
	},
	cairn.OfContract: {
		"product":      {read: readText, class: plain},
		"type":         {read: oneOf("subscription", "membership", "one_off"), class: plain, keep: true},
		"mrr":          {read: readAmount, class: plain},
		"amount":       {read: readAmount, class: plain},
		"unit_amount":  {class: plain},
		"tax":          {read: readAmount, class: plain},
		"interval":     {class: plain},
		"billing":      {class: plain},
		"term":         {class: plain},
		"currency":     {read: readCurrency, class: plain},
		"start":        {read: readDate, class: plain},
		"renews":       {read: readDate, class: plain},
		"end":          {read: readDate, class: plain},
		"trial_end":    {read: readDate, class: plain},
		"paused_at":    {read: readDate, class: plain},
		"resumes_at":   {read: readDate, class: plain},
		"refunded_at":  {read: readDate, class: plain},
		"seats":        {read: readCount, class: plain},
		"status":       {read: oneOf("active", "cancelled", "trial", "paused", "past_due", "unpaid", "ended"), class: plain},
		"auto_renew":   {read: readTruth, class: plain},
		"cancelled_at": {read: readDate, class: plain},
		"usage":        {read: readTruth, class: plain},

		"month_to_month": {read: readTruth, class: plain},
		"notice_days":    {read: readCount, class: plain},
		"paper":          {read: oneOf("ours", "customer"), class: plain, keep: true},
		"price_lock":     {read: readDate, class: plain, keep: true},

		"payment_method": {read: readText, class: plain},
		"card_expires":   {read: readMonth, class: plain},

		"discounts":         {class: plain},
		"discount_percent":  {class: plain},
		"discount_amount":   {read: readAmount, class: plain},
		"discount_duration": {read: oneOf("once", "repeating", "forever"), class: plain},
		"discount_months":   {read: readCount, class: plain},
		"discount_from":     {read: readDate, class: plain},
		"discount_until":    {read: readDate, class: plain},
	},
	cairn.OfInvoice: {
		"amount":          {read: readAmount, class: plain},
		"currency":        {read: readCurrency, class: plain},
		"issued":          {read: readDate, class: plain},
		"due":             {read: readDate, class: plain},
		"paid_at":         {read: readDate, class: plain},
		"failed_payments": {read: readCount, class: plain},
		"status":          {read: oneOf("open", "paid", "failed", "void", "disputed", "uncollectible"), class: plain},
	},
	cairn.OfTicket: {
		"subject":   {class: personal},
		"status":    {read: oneOf("open", "pending", "solved", "closed"), class: plain},
		"priority":  {read: oneOf("low", "normal", "high", "urgent"), class: plain},
		"opened":    {read: readDate, class: plain},
		"closed":    {read: readDate, class: plain},
		"reopened":  {read: readCount, class: plain},
		"escalated": {read: readTruth, class: plain},
	},
	cairn.OfAnswer: {
		"survey":   {read: oneOf("nps", "csat", "ces"), class: plain},
		"score":    {read: readScore, class: plain},
		"comment":  {class: personal},
		"answered": {read: readDate, class: plain},
	},
	cairn.OfTask: {
		"title":    {read: readProse, class: personal}, // plain when a play made it
		"why":      {read: readProse, class: personal},
		"outcome":  {read: readProse, class: personal},
		"type":     {read: readText, class: plain},
		"owner":    {read: readText, class: plain},
		"priority": {read: readCount, class: plain},
		"due":      {read: readDate, class: plain},
		"state":    {read: oneOf("open", "snoozed", "done", "dismissed"), class: plain},
		"until":    {read: readDate, class: plain},
		"play":     {read: readText, class: plain},
		"planned":  {read: readDate, class: plain},
		"closed":   {read: readDate, class: plain},
		"reasons":  {class: plain},
	},
	cairn.OfRenewal: {
		"contract":      {read: readText, class: plain}, // its id
		"due":           {read: readDate, class: plain},
		"amount":        {read: readAmount, class: plain}, // a month, when it came up
		"forecast":      {read: readAmount, class: plain}, // a month, as somebody expects
		"currency":      {read: readCurrency, class: plain},
		"probability":   {read: readCount, class: plain}, // percent, as somebody says
		"owner":         {read: readText, class: plain},
		"next_step":     {read: readProse, class: personal},
		"next_step_due": {read: readDate, class: plain},
		"outcome":       {read: oneOf("renewal", "upsell", "downsell", "loss"), class: plain},
		"booked":        {read: readAmount, class: plain}, // a month
		"closed":        {read: readDate, class: plain},
	},
	cairn.OfLoss: {
		"on":          {read: readDate, class: plain},
		"reason":      {read: readText, class: plain},
		"detail":      {read: readProse, class: personal},
		"unavoidable": {read: readUnavoidable, class: plain},
		"evidence":    {read: readProse, class: personal},
		"audit":       {read: oneOf("confirmed", "rejected"), class: plain},
		"asked_on":    {read: readDate, class: plain}, // when the customer was asked why
		"claimed_by":  {read: readText, class: plain}, // the actor who said that it was unavoidable
		"audited_by":  {read: readText, class: plain}, // the actor who looked at that
	},
	cairn.OfOpportunity: {
		"name":      {read: readText, class: plain},
		"type":      {read: oneOf("upsell", "cross_sell", "renewal", "new"), class: plain, keep: true},
		"product":   {read: readText, class: plain},
		"amount":    {read: readAmount, class: plain}, // a month
		"currency":  {read: readCurrency, class: plain},
		"stage":     {read: oneOf("open", "held", "won", "lost", "dismissed"), class: plain, keep: true},
		"team":      {read: oneOf("success", "sales", "renewals"), class: plain, keep: true},
		"owner":     {read: readText, class: plain},
		"close":     {read: readDate, class: plain},
		"closed":    {read: readDate, class: plain},
		"why":       {read: readProse, class: personal},
		"held":      {read: readText, class: plain},  // why it is held back
		"suggested": {read: readText, class: plain},  // the signal that spoke for it
		"until":     {read: readDate, class: plain},  // of a suggestion that was dismissed: not again before this day is over
		"released":  {read: readTruth, class: plain}, // a person lets it go on though the value test holds it back
	},
}

// asSent is the trait that keeps what a source says of a field in words that
// Cairn does not know.
func asSent(name string) string { return name + "_as_sent" }

// checkFields returns props with the fields of the vocabulary as they are
// kept, or names the first one (by name) that cannot be read. The note tells
// the sender what was kept otherwise than sent.
func checkFields(kind cairn.EventKind, props map[string]any, currency string) (_ map[string]any, note string, _ *cairn.Error) {
	fields := vocabulary[kind]
	if len(fields) == 0 {
		return props, "", nil
	}
	p := patch{props: props, currency: currency}
	out := make(map[string]any, len(props))
	bad, why := "", fine
	var kept map[string]any // traits for what is not known
	for name, v := range props {
		if kind.IsRecord() && checkText("", name) != nil {
			return nil, "", cairn.Errorf(cairn.Invalid, "The name of a field is too long or holds a control character.").At("props").Coded(CodeText)
		}
		f := fields[name]
		if s, ok := v.(string); ok && f.read != nil && strings.TrimSpace(s) == "" {
			v = nil
		}
		if v != nil && f.read != nil {
			read, problem := f.read(v, p)
			switch {
			case problem == fine:
			case f.keep:
				kept = put(kept, asSent(name), v)
				note = strings.TrimSpace(note + " The " + name + " is not one that Cairn knows and was kept as " + asSent(name) + ": " + problem.text)
			case bad == "" || name < bad:
				bad, why = name, problem
			}
			v = read
		}
		out[name] = v
	}
	if bad != "" {
		return nil, "", cairn.Errorf(cairn.Invalid, "%s", why.text).At(bad).Coded(why.code)
	}
	maps.Copy(out, kept)
	return out, note, nil
}

// readText reads a text that rows are found and sorted by.
func readText(v any, p patch) (any, flaw) {
	kept, problem := readProse(v, p)
	if s, _ := kept.(string); len(s) > maxField {
		return nil, flaw{CodeLong, "It is too long for a name."}
	}
	return kept, problem
}

// readProse reads a text of any length that an event may have.
func readProse(v any, _ patch) (any, flaw) {
	s, ok := textOf(v)
	switch {
	case !ok:
		return nil, flaw{CodeText, "It is not a text."}
	case strings.ContainsRune(s, 0):
		return nil, flaw{CodeText, "It holds a zero byte."}
	}
	return s, fine
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

// readDomains reads a list of domains, or a text with commas between them.
func readDomains(v any, _ patch) (any, flaw) {
	wrong := flaw{CodeJSON, "It is not a list of domains: texts such as acme.com are needed."}
	switch v := v.(type) {
	case string:
		if len(v) <= maxField {
			return v, fine
		}
	case []string:
		return v, fine
	case []any:
		for _, d := range v {
			if s, ok := d.(string); !ok || len(s) > maxText {
				return nil, wrong
			}
		}
		return v, fine
	}
	return nil, wrong
}

// readIDs reads the ids that other sources use for the same: an object of
// texts by the name of their space, or a list of objects of type and id, as
// Segment sends them.
func readIDs(v any, _ patch) (any, flaw) {
	wrong := flaw{CodeJSON, "It is not an object of ids by source, such as {\"salesforce\": \"001\"}."}
	out := map[string]any{}
	add := func(space, id any) bool {
		name, ok := textOf(space)
		key, ok2 := textOf(id)
		out[name] = key
		return ok && ok2 && key != "" && len(key) <= maxText && len(name) <= maxText
	}
	switch v := v.(type) {
	case map[string]any:
		for space, id := range v {
			if !add(space, id) {
				return nil, wrong
			}
		}
	case []any:
		for _, x := range v {
			if o, _ := x.(map[string]any); !add(o["type"], o["id"]) {
				return nil, wrong
			}
		}
	default:
		return nil, wrong
	}
	return out, fine
}

// readUnavoidable reads whether a loss is claimed to have been unavoidable: it
// is only together with what shows it (R095).
func readUnavoidable(v any, p patch) (any, flaw) {
	read, problem := readTruth(v, p)
	if problem != fine || read != true {
		return read, problem
	}
	if s, _ := textOf(p.props["evidence"]); s == "" {
		return nil, flaw{CodeValue, "A loss is called unavoidable with evidence only: send evidence, what shows that nothing could be done, in the same patch."}
	}
	return read, fine
}

func readDate(v any, _ patch) (any, flaw) {
	if s, ok := v.(string); ok {
		s = strings.TrimSpace(s)
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if _, err := time.Parse(layout, s); err == nil {
				return s, fine
			}
		}
	}
	t, ok := moment(v)
	if !ok {
		return nil, flaw{CodeDate, "It is not a date: RFC 3339 or YYYY-MM-DD is needed."}
	}
	return t.UTC().Format(time.RFC3339Nano), fine
}

// layouts of timestamps that senders are known to use beside RFC 3339.
var layouts = []string{
	time.RFC3339Nano, "2006-1-2T15:4:5.999999999Z07:00", "2006-01-02T15:04:05.999999999Z0700",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00", "2006-01-02 15:04:05.999999999", time.DateOnly,
}

// readMonth reads the month that stands on a card, as 2026-08, 08/2026 or 08/26,
// or a day in it.
func readMonth(v any, _ patch) (any, flaw) {
	s, _ := textOf(v)
	for _, layout := range []string{"2006-01", "1/2006", "01/06", "1-2006", "2006/1", time.DateOnly, time.RFC3339Nano} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.Format("2006-01"), fine
		}
	}
	return nil, flaw{CodeDate, "It is not the month that stands on a card: one such as 2026-08 is needed."}
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

func readAmount(v any, p patch) (any, flaw) {
	s, ok := textOf(v)
	if !ok || !decimal(s) {
		return nil, flaw{CodeNumber, "It is not an amount: a plain decimal number such as 1204.50 is needed."}
	}
	currency := p.currency
	if c, ok := p.props["currency"].(string); ok && strings.TrimSpace(c) != "" {
		currency = c
	}
	if _, err := cairn.ParseMoney(s, currency); err != nil {
		return nil, flaw{CodeRange, "It has more decimals than the currency knows, or is too large."}
	}
	return v, fine
}

func readCurrency(v any, _ patch) (any, flaw) {
	s, _ := v.(string)
	s = strings.ToUpper(strings.TrimSpace(s))
	if len(s) != 3 || strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, flaw{CodeValue, "It is not a currency: three letters such as EUR are needed."}
	}
	return s, fine
}

func readCount(v any, _ patch) (any, flaw) {
	s, ok := textOf(v)
	n, err := strconv.ParseFloat(s, 64)
	if !ok || err != nil || n < 0 || n > 1e12 || n != float64(int64(n)) {
		return nil, flaw{CodeNumber, "It is not a whole number of 0 or more."}
	}
	return json.Number(strconv.FormatInt(int64(n), 10)), fine
}

func readTruth(v any, _ patch) (any, flaw) {
	if b, ok := v.(bool); ok {
		return b, fine
	}
	s, _ := textOf(v)
	switch strings.ToLower(s) {
	case "true", "yes", "1":
		return true, fine
	case "false", "no", "0":
		return false, fine
	}
	return nil, flaw{CodeValue, "It is neither true nor false."}
}

func readScore(v any, p patch) (any, flaw) {
	s, ok := textOf(v)
	n, err := strconv.ParseFloat(s, 64)
	if !ok || err != nil {
		return nil, flaw{CodeNumber, "It is not a number."}
	}
	survey, _ := p.props["survey"].(string)
	switch low, high := scale(word(survey)); {
	case !(n >= low && n <= high): // also of NaN
		return nil, flaw{CodeRange, "The score lies outside the scale of its survey (nps 0 to 10, csat 1 to 5, ces 1 to 7)."}
	}
	return json.Number(strconv.FormatFloat(n, 'f', -1, 64)), fine
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
	return func(v any, _ patch) (any, flaw) {
		s, _ := v.(string)
		s = word(s)
		for _, w := range words {
			if s == w {
				return w, fine
			}
		}
		return nil, flaw{CodeValue, "It must be one of " + strings.Join(words, ", ") + "."}
	}
}

func word(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// readRole knows what products commonly call two of the roles.
func readRole(v any, p patch) (any, flaw) {
	if s, ok := v.(string); ok {
		switch word(s) {
		case "admin":
			return "administrator", fine
		case "member":
			return "user", fine
		}
	}
	return oneOf("user", "administrator", "champion", "sponsor", "economic_buyer", "beneficiary")(v, p)
}
