package outcome

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"cairn"
)

// A LossSaying is what somebody says of why a customer left.
type LossSaying struct {
	Reason      string `json:"reason"` // of the workspace's list
	Detail      string `json:"detail,omitempty"`
	Unavoidable bool   `json:"unavoidable,omitempty"`
	Evidence    string `json:"evidence,omitempty"`
	Asked       string `json:"asked_on,omitempty"` // when the customer was asked, 2026-03-01
}

// A LossPatch is what is sent in at the front door to say something of a loss.
type LossPatch struct {
	Key    string         // of the record
	Verb   string         // in the past
	Fields map[string]any // nil takes back
}

// longestText is how long a detail or evidence may be.
const longestText = 10_000

// Check names what is wrong with a saying. What could not be helped is claimed
// more often than it is so (R095): a claim needs a reason that may be called
// unavoidable, and evidence.
func (s LossSaying) Check(l Leaver, reasons Reasons, today cairn.Day) error {
	reason, ok := reasons.Find(s.Reason)
	asked, err := time.Parse(time.DateOnly, s.Asked)
	switch day := cairn.Day(asked.Unix() / 86400); {
	case strings.TrimSpace(s.Reason) == "":
		return cairn.Errorf(cairn.Invalid, "Choose why the customer left: every loss has a reason.").At("reason")
	case !ok:
		return cairn.Errorf(cairn.Invalid, "“%s” is not on the list of reasons: %s.", s.Reason, reasons.names(false)).At("reason")
	case len(s.Detail) > longestText:
		return cairn.Errorf(cairn.TooLarge, "What else there is to say has at most 10,000 characters.").At("detail")
	case len(s.Evidence) > longestText:
		return cairn.Errorf(cairn.TooLarge, "Evidence has at most 10,000 characters.").At("evidence")
	case s.Unavoidable && !reason.Unavoidable:
		return cairn.Errorf(cairn.Invalid, "“%s” cannot be called unavoidable; only these can: %s.", reason.Title, cmp.Or(reasons.names(true), "none on the list")).At("unavoidable")
	case s.Unavoidable && strings.TrimSpace(s.Evidence) == "":
		return cairn.Errorf(cairn.Invalid, "Say what shows that nothing could be done: a loss is called unavoidable with evidence only.").At("evidence")
	case s.Asked != "" && err != nil:
		return cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2026-03-01 is needed.", s.Asked).At("asked_on")
	case s.Asked != "" && day > today:
		return cairn.Errorf(cairn.Invalid, "The customer was asked on %s, which is still to come.", s.Asked).At("asked_on")
	}
	return nil
}

// names lists the titles, or of those only that may be called unavoidable.
func (rs Reasons) names(unavoidable bool) string {
	var out []string
	for _, r := range rs {
		if r.Unavoidable || !unavoidable {
			out = append(out, r.Title)
		}
	}
	return strings.Join(out, ", ")
}

func (l Leaver) patch(verb string, by cairn.Actor) LossPatch {
	return LossPatch{
		Key: "loss-" + l.Account.String() + "-" + l.Since.String(), Verb: verb,
		Fields: map[string]any{"on": l.On.String(), "by": by.ID},
	}
}

// Say returns the patch that says why a customer left. Who claims something
// else than was audited claims it anew.
func (l Leaver) Say(s LossSaying, reasons Reasons, today cairn.Day, by cairn.Actor) (LossPatch, error) {
	s.Detail, s.Evidence, s.Asked = strings.TrimSpace(s.Detail), strings.TrimSpace(s.Evidence), strings.TrimSpace(s.Asked)
	if err := s.Check(l, reasons, today); err != nil {
		return LossPatch{}, err
	}
	reason, _ := reasons.Find(s.Reason)
	p := l.patch("told", by)
	set := func(field, value string) {
		if p.Fields[field] = nil; value != "" {
			p.Fields[field] = value
		}
	}
	set("reason", reason.Key)
	set("detail", s.Detail)
	set("evidence", s.Evidence)
	set("asked_on", s.Asked)
	p.Fields["unavoidable"] = s.Unavoidable
	if was := l.Said; s.Unavoidable != was.Unavoidable || s.Unavoidable && (s.Evidence != was.Evidence || reason.Key != was.Reason) {
		set("claimed_by", "")
		if s.Unavoidable {
			set("claimed_by", by.ID)
		}
		set("audit", "")
		set("audited_by", "")
	}
	return p, nil
}

// Audit returns the patch that confirms or rejects that nothing could be done.
// Nobody audits a claim of their own.
func (l Leaver) Audit(verdict string, by cairn.Actor) (LossPatch, error) {
	word, ok := map[string]string{"confirm": Confirmed, "reject": Rejected}[verdict]
	switch {
	case !ok:
		return LossPatch{}, cairn.Errorf(cairn.Invalid, "A claim is audited with confirm or reject, not with %q.", verdict).At("audit")
	case !l.Said.Unavoidable:
		return LossPatch{}, cairn.Errorf(cairn.Invalid, "Nobody claims that this loss was unavoidable, so there is nothing to audit.").At("audit")
	case l.Said.ClaimedBy != "" && l.Said.ClaimedBy == by.ID:
		return LossPatch{}, cairn.Errorf(cairn.Forbidden, "You claimed that this loss was unavoidable, so somebody else has to audit it.").At("audit")
	case strings.TrimSpace(l.Said.Evidence) == "":
		return LossPatch{}, cairn.Errorf(cairn.Invalid, "There is no evidence to audit: say why the customer left, with evidence.").At("evidence")
	}
	p := l.patch(word, by)
	p.Fields["audit"], p.Fields["audited_by"] = word, by.ID
	return p, nil
}

// Undo returns the patch that takes back what people wrote down last of a
// loss, and false when there is nothing to take back.
func (l Leaver) Undo(by cairn.Actor) (LossPatch, bool) {
	var last time.Time
	for _, f := range l.Said.facts {
		if f.Source == House && f.At.After(last) {
			last = f.At
		}
	}
	if last.IsZero() {
		return LossPatch{}, false
	}
	p := l.patch("undone", by)
	delete(p.Fields, "on")
	before := map[string]cairn.Fact{}
	for _, f := range l.Said.facts {
		switch {
		case f.Source != House:
		case f.At.Equal(last):
			if f.Field != "by" && p.Fields[f.Field] == nil {
				p.Fields[f.Field] = nil
			}
		default:
			if g, ok := before[f.Field]; !ok || f.Later(g) > 0 {
				before[f.Field] = f
			}
		}
	}
	for field := range p.Fields {
		var value any
		if f, ok := before[field]; ok && field != "by" && f.Value != nil && json.Unmarshal(f.Value, &value) == nil {
			p.Fields[field] = value
		}
	}
	return p, true
}
