package ingest

import (
	"bytes"
	"strings"

	"github.com/goccy/go-yaml"

	"cairn"
)

// Check refuses a source that cannot be meant so, naming the place.
func (s Source) Check() error {
	switch {
	case s.Name == "":
		return cairn.Errorf(cairn.Invalid, "A source needs a name.").At("name")
	case s.Several != "" && s.Several != Unclaimed && s.Several != Latest && s.Several != Primary:
		return cairn.Errorf(cairn.Invalid, "%q is no rule for people of several accounts: unclaimed, latest or primary.", s.Several).At("several")
	case s.Distrust < 0 || s.Distrust > 100:
		return cairn.Errorf(cairn.Invalid, "The share of records that break the contract is a percentage, from 0 (never) to 100.").At("distrust")
	}
	if s.Cadence != nil {
		if err := s.Cadence.Check(); err != nil {
			return err
		}
	}
	if s.Contract != nil {
		return s.Contract.Check()
	}
	return nil
}

// A sourceText is what of a source people write as text.
type sourceText struct {
	IDs      string      `yaml:"ids,omitempty"` // own, common, or the source whose ids they are
	Verifies bool        `yaml:"verifies,omitempty"`
	Product  *Product    `yaml:"product,omitempty"`
	Several  SeveralRule `yaml:"several,omitempty"`
	Personal []string    `yaml:"personal,omitempty"`
	Plain    []string    `yaml:"plain,omitempty"`
	Cadence  *Cadence    `yaml:"cadence,omitempty"`
	Distrust int         `yaml:"distrust,omitempty"`
	Contract *Contract   `yaml:"contract,omitempty"`
}

// Text writes what is agreed with a source as YAML.
func (s Source) Text() (string, error) {
	var product *Product
	if s.Product.Property != "" || s.Product.Default != "" || len(s.Product.Apps) > 0 {
		product = &s.Product
	}
	ids := string(s.Space)
	if ids == s.Name {
		ids = "own"
	}
	b, err := yaml.MarshalWithOptions(sourceText{ids, s.Verifies, product, s.Several, s.Personal, s.Plain, s.Cadence, s.Distrust, s.Contract}, yaml.Indent(2), yaml.IndentSequence(true))
	return string(b), err
}

// ReadText returns s with what a text in YAML or JSON says. What the text does
// not name is as if nothing had been agreed.
func (s Source) ReadText(text string) (Source, error) {
	var t sourceText
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict())
	if strings.TrimSpace(text) != "" {
		if err := d.Decode(&t); err != nil {
			return s, cairn.Errorf(cairn.Invalid, "The text cannot be read: %s", yamlWords(err)).At("text").Because(err)
		}
	}
	s.Several, s.Personal, s.Plain, s.Cadence, s.Distrust, s.Contract = t.Several, t.Personal, t.Plain, t.Cadence, t.Distrust, t.Contract
	if s.Several == "" {
		s.Several = Unclaimed
	}
	s.Verifies, s.Product = t.Verifies, Product{}
	if t.Product != nil {
		s.Product = *t.Product
	}
	switch t.IDs {
	case "", "common":
		s.Space = ""
	case "own":
		s.Space = cairn.Space(s.Name)
	default:
		s.Space = cairn.Space(t.IDs)
	}
	return s, s.Check()
}

// yamlWords is the first line of what the reader of YAML says, which names
// line and column.
func yamlWords(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.TrimSuffix(line, ".") + "."
}
