package outcome

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/book"
)

// LossPage is the book's page of the reasons for which customers leave.
const LossPage = "losses"

// A Reason is why a customer may leave, as the workspace tells it.
type Reason struct {
	Key         string   `json:"key"`
	Title       string   `json:"title"`
	Group       string   `json:"group,omitempty"`
	Unavoidable bool     `json:"unavoidable,omitempty"` // it may be claimed that nothing could be done
	Words       []string `json:"words,omitempty"`       // in which sources say the same
}

// Reasons are the workspace's list.
type Reasons []Reason

// Groups of the reasons that come with Cairn. There are two for which
// customers leave, that they did not achieve what they came for and that they
// should not have been won (R173); only marriage or divorce, a customer that is
// bought or goes out of business, may be called unavoidable (R135).
const (
	groupOutcome = "Did not achieve its desired outcome"
	groupFit     = "Bad fit"
	groupGone    = "Marriage or divorce"
	groupPayment = "Payment"
)

// UsualReasons returns the list that holds until a workspace writes its own.
func UsualReasons() Reasons {
	return Reasons{
		{"outcome", "Did not get what it came for", groupOutcome, false, []string{"desired outcome", "no value", "not used", "never started", "low usage", "onboarding"}},
		{"product_gap", "The product lacks something", groupOutcome, false, []string{"features", "missing features", "feature", "product"}},
		{"service", "Service or quality", groupOutcome, false, []string{"support", "quality", "bugs", "reliability"}},
		{"price", "Price", groupOutcome, false, []string{"pricing", "budget", "cost", "too expensive"}},
		{"competitor", "Went to a competitor", groupOutcome, false, []string{"competition", "switched to competitor"}},
		{"champion_left", "The champion left", groupOutcome, false, []string{"champion", "new management", "sponsor left"}},
		{"bad_fit", "Should not have been sold to", groupFit, false, []string{"fit", "wrong customer", "oversold"}},
		{"payment", "Did not pay", groupPayment, false, []string{"non-payment", "payment failed", "involuntary"}},
		{"acquired", "Was bought", groupGone, true, []string{"acquisition", "merger", "merged"}},
		{"closed", "Went out of business", groupGone, true, []string{"out of business", "bankrupt", "bankruptcy", "insolvency"}},
	}
}

// unsaid are words in which sources say that they do not know.
var unsaid = []string{"unknown", "none", "other", "n/a", "na", "-", "not known", "unspecified"}

func plain(s string) string {
	return strings.Join(strings.Fields(strings.NewReplacer("_", " ").Replace(strings.ToLower(s))), " ")
}

// Find returns the reason that a text names: by its key, its title or one of
// its words.
func (rs Reasons) Find(text string) (Reason, bool) {
	want := plain(text)
	for _, r := range rs {
		if want != "" && (want == plain(r.Key) || want == plain(r.Title) || slices.ContainsFunc(r.Words, func(w string) bool { return plain(w) == want })) {
			return r, true
		}
	}
	return Reason{}, false
}

// read returns the key of the reason that a source tells, or its own words;
// "" where it does not know.
func (rs Reasons) read(text string) string {
	if r, ok := rs.Find(text); ok {
		return r.Key
	}
	if slices.Contains(unsaid, plain(text)) {
		return ""
	}
	return strings.TrimSpace(text)
}

// Title returns how a reason is called; other words stand for themselves.
func (rs Reasons) Title(key string) string {
	if r, ok := rs.Find(key); ok {
		return r.Title
	}
	return key
}

// mostReasons is how many reasons a list may have: it is to be a short one.
const mostReasons = 40

// Check refuses a list that cannot be chosen from.
func (rs Reasons) Check() error {
	switch {
	case len(rs) == 0:
		return cairn.Errorf(cairn.Invalid, "A list of reasons needs at least one.").At("reasons")
	case len(rs) > mostReasons:
		return cairn.Errorf(cairn.Invalid, "A list of reasons has at most %d: nobody chooses well from a long one.", mostReasons).At("reasons")
	}
	taken := map[string]string{}
	for i, r := range rs {
		at := "reasons." + strconv.Itoa(i) + "."
		if r.Key == "" || len(r.Key) > 60 || strings.Trim(r.Key, "abcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return cairn.Errorf(cairn.Invalid, "%q is not a key: small letters, digits and _ are needed, at most 60.", r.Key).At(at + "key")
		}
		if strings.TrimSpace(r.Title) == "" || len(r.Title) > 120 {
			return cairn.Errorf(cairn.Invalid, "The reason %s needs a title of at most 120 characters.", r.Key).At(at + "title")
		}
		for _, w := range append([]string{r.Key, r.Title}, r.Words...) {
			switch other, ok := taken[plain(w)]; {
			case ok && other != r.Key:
				return cairn.Errorf(cairn.Invalid, "“%s” stands for both %s and %s.", w, other, r.Key).At(at + "words")
			case slices.Contains(unsaid, plain(w)):
				return cairn.Errorf(cairn.Invalid, "“%s” says that nobody knows, and so is no reason.", w).At(at + "words")
			}
			taken[plain(w)] = r.Key
		}
	}
	keys := map[string]bool{}
	for i, r := range rs {
		if keys[r.Key] {
			return cairn.Errorf(cairn.Invalid, "The key %s stands twice.", r.Key).At("reasons." + strconv.Itoa(i) + ".key")
		}
		keys[r.Key] = true
	}
	return nil
}

// Reasons returns the workspace's list, and its revision; 0 while it is the
// usual one.
func (s *Losses) Reasons(ctx context.Context) (Reasons, int, error) {
	r, err := s.Book.Page(ctx, LossPage)
	if err != nil && cairn.KindOf(err) == cairn.NotFound {
		return UsualReasons(), 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var said struct {
		Reasons Reasons `json:"reasons"`
	}
	err = json.Unmarshal(r.Body, &said)
	return said.Reasons, r.Rev, err
}

// SetReasons writes the list down, on top of a revision.
func (s *Losses) SetReasons(ctx context.Context, by cairn.Actor, rs Reasons, base int, note string) (book.Revision, error) {
	if err := rs.Check(); err != nil {
		return book.Revision{}, err
	}
	body, err := json.Marshal(map[string]Reasons{"reasons": rs})
	if err != nil {
		return book.Revision{}, err
	}
	return s.Book.Write(ctx, by, LossPage, base, body, note, s.Now())
}
