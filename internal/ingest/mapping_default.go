package ingest

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"cairn"
)

// customary are the names by which columns are commonly called, most telling
// first, written without case, spaces and hyphens. The first key of each kind
// is what a row is about.
var customary = map[cairn.EventKind]map[string][]string{
	cairn.Track: {
		"id":        {"messageid", "eventid", "id", "uuid"},
		"at":        {"timestamp", "originaltimestamp", "occurredat", "eventtime", "eventdate", "at", "datetime", "time", "date", "createdat", "sentat"},
		"event":     {"event", "eventname", "eventtype", "name", "action", "activity"},
		"account":   accountColumns,
		"person":    personColumns,
		"anonymous": {"anonymousid", "anonid", "visitorid"},
		"product":   {"product", "productid"},
		"n":         {"count", "n"},
	},
	cairn.OfAccount: {
		"account":    append([]string{"accountid", "id", "key"}, accountColumns...),
		"at":         {"updatedat", "timestamp", "at"},
		"name":       {"name", "accountname", "companyname", "customername", "company"},
		"domain":     {"domain", "website"},
		"owner":      {"owner", "csm", "owneremail", "accountowner"},
		"status":     {"status"},
		"industry":   {"industry"},
		"plan":       {"plan", "plantier", "planname"},
		"parent":     {"parent", "parentid", "parentaccountid"},
		"seats":      {"seats", "licences", "licenses"},
		"created_at": {"createdat", "createddate", "signupdate", "created"},
	},
	cairn.OfPerson: {
		"person":     append([]string{"userid", "personid", "id", "key"}, personColumns...),
		"account":    accountColumns,
		"at":         {"updatedat", "timestamp", "at"},
		"name":       {"name", "fullname", "displayname"},
		"email":      {"email", "mail", "emailaddress"},
		"phone":      {"phone", "phonenumber"},
		"title":      {"title", "jobtitle"},
		"role":       {"role"},
		"opted_out":  {"optedout", "unsubscribed", "hasoptedoutofemail"},
		"created_at": {"createdat", "createddate", "created"},
	},
	cairn.OfContract: {
		"record":       {"contractid", "subscriptionid", "contract", "subscription", "id", "key"},
		"account":      accountColumns,
		"person":       personColumns,
		"at":           {"updatedat", "timestamp", "at", "start", "startdate", "startedat", "startsat"},
		"product":      {"product", "productid"},
		"mrr":          {"mrr", "mrramount", "monthlyrecurringrevenue"},
		"currency":     {"currency", "currencycode"},
		"start":        {"start", "startdate", "startedat", "startsat"},
		"renews":       {"renews", "renewsat", "renewson", "renewaldate"},
		"end":          {"end", "enddate", "endsat", "endson"},
		"seats":        {"seats", "quantity", "licences", "licenses"},
		"status":       {"status"},
		"auto_renew":   {"autorenew", "autorenewflag", "autorenewal"},
		"cancelled_at": {"cancelledat", "canceledat", "cancelled", "cancellationdate"},
		"amount":       {"amount", "planamount", "price"},
		"unit_amount":  {"unitamount", "unitprice", "priceperseat"},
		"interval":     {"interval", "billinginterval", "planinterval"},
		"billing":      {"billing", "billingfrequency", "billingperiod"},
		"term":         {"term", "contractterm"},
		"trial_end":    {"trialend", "trialendsat"},
	},
	cairn.OfInvoice: {
		"record":          {"invoiceid", "invoice", "invoicenumber", "number", "id", "key"},
		"account":         accountColumns,
		"person":          personColumns,
		"at":              {"updatedat", "timestamp", "at", "issued", "issuedat", "issuedon", "invoicedate", "createdat", "date"},
		"amount":          {"amount", "total", "amountdue"},
		"currency":        {"currency", "currencycode"},
		"issued":          {"issued", "issuedat", "issuedon", "invoicedate", "createdat", "date"},
		"due":             {"due", "duedate", "dueat", "dueon"},
		"paid_at":         {"paidat", "paidon", "paymentdate", "paid"},
		"failed_payments": {"failedpayments", "attemptcount"},
		"status":          {"status"},
	},
	cairn.OfTicket: {
		"record":    {"ticketid", "ticket", "caseid", "id", "key"},
		"account":   append(slices.Clip(accountColumns), "organizationexternalid"),
		"person":    append(slices.Clip(personColumns), "requesterid"),
		"at":        {"opened", "openedat", "submittedat", "createdat", "created", "updatedat", "timestamp", "at", "date"},
		"subject":   {"subject", "title"},
		"status":    {"status", "state"},
		"priority":  {"priority"},
		"opened":    {"opened", "openedat", "submittedat", "createdat", "created"},
		"closed":    {"closed", "closedat", "solvedat", "resolvedat"},
		"reopened":  {"reopened", "reopens", "reopencount"},
		"escalated": {"escalated", "escalationflag"},
	},
	cairn.OfAnswer: {
		"record":   {"answerid", "responseid", "answer", "response", "id", "key"},
		"account":  accountColumns,
		"person":   personColumns,
		"at":       {"answered", "answeredat", "respondedat", "submittedat", "timestamp", "at", "createdat", "date"},
		"survey":   {"survey", "surveytype", "type"},
		"score":    {"score", "rating", "rec"},
		"comment":  {"comment", "feedback", "text"},
		"answered": {"answered", "answeredat", "respondedat", "submittedat", "date"},
	},
	cairn.OfRenewal: {
		"record":      {"renewalid", "renewal", "id", "key"},
		"account":     accountColumns,
		"at":          {"updatedat", "timestamp", "at"},
		"contract":    {"contractid", "contract", "subscriptionid", "subscription"},
		"due":         {"due", "duedate", "renewaldate", "renews", "renewsat"},
		"amount":      {"amount", "mrr"},
		"forecast":    {"forecast", "forecastamount"},
		"currency":    {"currency", "currencycode"},
		"probability": {"probability"},
		"owner":       {"owner", "owneremail"},
		"outcome":     {"outcome", "result"},
		"booked":      {"booked", "bookedamount"},
		"closed":      {"closed", "closedat", "closedate"},
	},
	cairn.OfLoss: {
		"record":      {"churneventid", "lossid", "loss", "id", "key"},
		"account":     accountColumns,
		"at":          {"updatedat", "timestamp", "at", "churndate", "on", "date"},
		"on":          {"churndate", "on", "lostat", "loston", "date"},
		"reason":      {"reason", "reasoncode", "churnreason"},
		"detail":      {"detail", "feedbacktext", "feedback", "comment"},
		"unavoidable": {"unavoidable"},
		"evidence":    {"evidence"},
	},
	cairn.OfOpportunity: {
		"record":   {"opportunityid", "dealid", "opportunity", "deal", "id", "key"},
		"account":  accountColumns,
		"at":       {"updatedat", "timestamp", "at", "lastmodifieddate", "createdat", "createddate"},
		"name":     {"name", "dealname", "title"},
		"type":     {"type", "dealtype"},
		"product":  {"product", "productid"},
		"amount":   {"mrr", "amount"},
		"currency": {"currency", "currencycode", "currencyisocode"},
		"stage":    {"stage", "status"},
		"team":     {"team"},
		"owner":    {"owner", "owneremail"},
		"close":    {"close", "closedate", "expectedclose"},
		"closed":   {"closed", "closedat"},
	},
}

var (
	accountColumns = []string{"accountid", "account", "accountkey", "groupid", "companyid", "customerid", "organizationid", "organisationid", "orgid", "company", "customer", "organization", "organisation"}
	personColumns  = []string{"userid", "user", "personid", "person", "contactid", "useremail", "email"}
)

// A lifecycle is a kind of record of which one row tells a beginning and an
// end: it becomes two records, each at its own time, so that the past is right.
type lifecycle struct {
	end    string // the field that holds when it ended
	before string // its status until then
	after  string // and from then on, when the row does not say
}

var lifecycles = map[cairn.EventKind]lifecycle{
	cairn.OfContract: {"cancelled_at", "active", "cancelled"},
	cairn.OfInvoice:  {"paid_at", "open", "paid"},
	cairn.OfTicket:   {"closed", "open", "closed"},
}

// recognise returns the mapping that the names of the columns suggest. What
// is not recognised becomes a property under its own name.
func recognise(kind cairn.EventKind, columns []string) *Mapping {
	found := map[string]string{}
	for name, words := range customary[kind] {
		if c := match(words, columns); c != "" {
			found[name] = c
		}
	}
	t := Template{Fields: &props{rest: true, of: map[string]*value{}}}
	for name, c := range found {
		v := &value{Column: c}
		isKey := t.key(name, v)
		if name == "product" {
			t.Product, isKey = v, kind == cairn.Track
		}
		if !isKey {
			t.Fields.of[name] = v
		}
	}
	if kind == cairn.OfContract && t.At != nil {
		t.At.Max = "now" // one that is signed and has not begun
	}
	l, ok := lifecycles[kind]
	if end := found[l.end]; ok && end != "" && t.At != nil {
		return t.twice(l, end, found["status"])
	}
	return &Mapping{Template: t}
}

// match returns the column that is called by the earliest of the words.
func match(words, columns []string) string {
	for _, w := range words {
		for _, c := range columns {
			if w == strings.NewReplacer("_", "", "-", "", " ", "", ".", "").Replace(strings.ToLower(c)) {
				return c
			}
		}
	}
	return ""
}

// key sets a part of t that is not a field.
func (t *Template) key(name string, v *value) bool {
	to, ok := map[string]**value{
		"id": &t.ID, "at": &t.At, "event": &t.Event, "account": &t.Account, "person": &t.Person,
		"anonymous": &t.Anonymous, "record": &t.Record, "n": &t.N,
	}[name]
	if ok {
		*to = v
	}
	return ok
}

// twice makes of one row a record at its beginning and one at its end.
func (t Template) twice(l lifecycle, end, status string) *Mapping {
	ended := fmt.Sprintf(`(%[1]q in row && row[%[1]q] != null && row[%[1]q] != "")`, end)
	said := func(otherwise string) string {
		if status == "" {
			return strconv.Quote(otherwise)
		}
		return fmt.Sprintf(`(%[1]q in row && row[%[1]q] != null && row[%[1]q] != "" ? row[%[1]q] : %[2]q)`, status, otherwise)
	}
	first := t
	first.Fields = &props{rest: true, of: maps.Clone(t.Fields.of), except: []string{end, status}}
	delete(first.Fields.of, l.end)
	first.Fields.of["status"] = &value{CEL: fmt.Sprintf("%s ? %q : %s", ended, l.before, said(l.before))}
	second := Template{At: &value{Column: end, Max: t.At.Max}, Skip: &value{CEL: "!" + ended}}
	second.Fields = &props{of: map[string]*value{l.end: {Column: end}, "status": {CEL: said(l.after)}}}
	second.inherit(t)
	return &Mapping{Records: []Template{first, second}}
}
