package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// What the standard library's decoder lets through is let through here: of a
// name that occurs twice the last counts, and what is not UTF-8 is replaced.
var lenient = []jsontext.Options{jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)}

// itemsOf divides a JSON array into its elements.
func itemsOf(array []byte) ([]item, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(array), lenient...)
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	text := string(array)
	var out []item
	for d.PeekKind() != ']' {
		v, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		end := int(d.InputOffset())
		out = append(out, item{array[end-len(v) : end : end], text[end-len(v) : end]})
	}
	return out, nil
}

// decodeObject reads a JSON object without rounding its numbers. It looks at
// each byte once, where the standard library looks three times.
func decodeObject(raw []byte) (map[string]any, bool) {
	d := jsontext.NewDecoder(bytes.NewBuffer(raw), lenient...)
	if d.PeekKind() != '{' {
		return nil, false
	}
	v, err := decodeAny(d)
	m, ok := v.(map[string]any)
	return m, err == nil && ok
}

func decodeAny(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '{':
		return decodeMembers(d)
	case '[':
		out := []any{}
		for d.PeekKind() != ']' {
			v, err := decodeAny(d)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		_, err := d.ReadToken()
		return out, err
	case '"':
		return t.String(), nil
	case '0':
		return json.Number(t.String()), nil
	case 't', 'f':
		return t.Bool(), nil
	case 'n':
		return nil, nil
	}
	return nil, fmt.Errorf("ingest: unexpected %s", t.Kind())
}

func decodeMembers(d *jsontext.Decoder) (map[string]any, error) {
	out := map[string]any{}
	for d.PeekKind() != '}' {
		name, err := decodeName(d)
		if err != nil {
			return nil, err
		}
		if out[name], err = decodeAny(d); err != nil {
			return nil, err
		}
	}
	_, err := d.ReadToken()
	return out, err
}

// decodeName reads a member's name. Those that every message has are not made
// anew each time.
func decodeName(d *jsontext.Decoder) (string, error) {
	v, err := d.ReadValue()
	if err != nil {
		return "", err
	}
	if s, ok := usualNames[string(v)]; ok {
		return s, nil
	}
	b, err := jsontext.AppendUnquote(nil, v)
	if err != nil && len(b) == 0 {
		return "", err
	}
	return string(b), nil
}

// usualNames are names as they are written, quoted, and as they are meant.
var usualNames = func() map[string]string {
	out := map[string]string{}
	for _, s := range []string{
		"type", "messageId", "userId", "anonymousId", "previousId", "groupId", "event", "name", "category", "timestamp", "originalTimestamp",
		"sentAt", "properties", "traits", "context", "integrations", "library", "version", "_metadata", "nodeVersion", "page", "path",
		"url", "title", "referrer", "search", "locale", "userAgent", "ip", "timezone", "app", "device", "os", "email", "value", "plan",
	} {
		out[`"`+s+`"`] = s
	}
	return out
}()
