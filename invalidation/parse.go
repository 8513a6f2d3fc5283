package invalidation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/gin-cachette/cachette"
)

// example is a purge in JSON, for errors.
const example = `{"paths": ["/products/7"]}`

// parse reads a purge in JSON. encoding/json takes a field in any case, and the last of several, so that what was meant would not be purged:
// each field has to be written as it is, once.
func parse(body []byte) (p cachette.Purge, err error) {
	in := json.NewDecoder(bytes.NewReader(body))
	if first, err := in.Token(); err != nil || first != json.Delim('{') {
		return p, notJSON(err, "it is no object")
	}
	seen := make(map[string]bool)
	for in.More() {
		token, err := in.Token()
		if err != nil {
			return p, notJSON(err, "")
		}
		name, _ := token.(string) // nothing else stands there
		field, err := fieldOf(&p, name)
		if err != nil {
			return p, err
		}
		if seen[name] {
			return p, fmt.Errorf("%q is given twice; give it once, with all that it is to name", name)
		}
		seen[name] = true
		if err := in.Decode(field.Addr().Interface()); err != nil {
			if wrongType := new(json.UnmarshalTypeError); errors.As(err, &wrongType) {
				return p, fmt.Errorf("%q takes no %s; give %s", name, wrongType.Value, wanted(field))
			}
			return p, notJSON(err, "")
		}
	}
	if _, err := in.Token(); err != nil {
		return p, notJSON(err, "")
	}
	if _, err := in.Token(); !errors.Is(err, io.EOF) {
		return p, notJSON(nil, "something stands behind the object")
	}
	return p, nil
}

// notJSON returns the error for a body that is no JSON by err, or by what is wrong else.
func notJSON(err error, wrong string) error {
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		wrong = "it ends too soon"
	case err != nil:
		wrong = err.Error()
	}
	return fmt.Errorf("the body is no purge in JSON: %s; send an object, as %s", wrong, example)
}

// fieldOf returns the field of a purge that has a name in JSON, or an error that has the right name, or all names there are.
func fieldOf(p *cachette.Purge, name string) (field reflect.Value, err error) {
	var names []string
	for i, value := range reflect.ValueOf(p).Elem().Fields() {
		own, _, _ := strings.Cut(i.Tag.Get("json"), ",")
		if own == name {
			return value, nil
		}
		if strings.EqualFold(plain(own), plain(name)) {
			return field, fmt.Errorf("%.64q is not a field; write %q", name, own)
		}
		names = append(names, own)
	}
	return field, fmt.Errorf("%.64q is not a field; there are %s", name, strings.Join(names, ", "))
}

// plain takes out what separates words, and a plural.
func plain(name string) string {
	return strings.TrimRight(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name), "sS")
}

// wanted says what a field is in JSON.
func wanted(field reflect.Value) string {
	if field.Kind() == reflect.Bool {
		return "true or false"
	}
	return `a list of texts, as ["a", "b"]`
}
