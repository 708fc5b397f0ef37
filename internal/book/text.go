package book

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/goccy/go-yaml"

	"cairn"
)

// Text writes the body of a page as people edit it: YAML, with its fields in
// the order of the type. Parse reads it again.
func Text(body any) (string, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	text, err := yaml.JSONToYAML(b)
	return string(text), err
}

// Parse reads the body of a page from YAML, of which JSON is a part, by way of
// JSON, so that values are what the book holds. A field that is not known is
// refused; the error's field is "text".
func Parse(text string, into any) error {
	b, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		return unreadable(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return unreadable(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return unreadable(errors.New("there is something behind it"))
	}
	return nil
}

// unreadable says the first line of what a parser says.
func unreadable(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return cairn.Errorf(cairn.Invalid, "The text cannot be read: %s.", strings.TrimSuffix(strings.TrimPrefix(line, "json: "), ".")).At("text")
}
