package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/encoders"
	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/codings"
	"github.com/gin-cachette/cachette/internal/rfc9111"
	"github.com/gin-cachette/cachette/internal/wording"
)

// module is where the packages of backends and codecs are.
const module = "github.com/gin-cachette/cachette/"

// checker finds what is wrong with a Config.
type checker struct {
	config Config
	// texts are the values of the variables that the config was read from, by field; nil for one that was made in code.
	texts map[string]string
	// backend is the one that has to work. There is none if the program brings a driver, if the cache is disabled, or
	// if the name is unknown.
	backend  string
	mistakes []*Mistake
}

// Mistakes returns what is wrong with c, in the order of its fields, at most one mistake of each. texts are the values of the
// variables that it was read from, by field: one that is there was set, be it to zero. They are nil for a Config that was made
// in code, where a field that is zero was not set.
func (c Config) Mistakes(texts map[string]string) []*Mistake {
	check := &checker{config: c, texts: texts}
	if c.Driver == nil && !c.Disabled {
		check.backend = c.WithDefaults().Backend
	}
	check.around()
	check.names()
	check.places()
	check.keys()
	check.limits()
	sortByField(check.mistakes)
	return check.mistakes
}

// sortByField sorts mistakes by the order of the fields; those of fields without a variable come last.
func sortByField(mistakes []*Mistake) {
	place := func(m *Mistake) int {
		if i := slices.Index(Fields, m.Field); i >= 0 {
			return i
		}
		return len(Fields)
	}
	slices.SortStableFunc(mistakes, func(a, b *Mistake) int { return place(a) - place(b) })
}

// given tells whether a field was set.
func (c *checker) given(field string) bool {
	if c.texts != nil {
		_, set := c.texts[field]
		return set
	}
	value := reflect.ValueOf(c.config).FieldByName(field)
	return value.IsValid() && !value.IsZero()
}

// add notes a problem with a field, if there is one and the first of that field.
func (c *checker) add(field, problem string) {
	known := slices.ContainsFunc(c.mistakes, func(m *Mistake) bool { return m.Field == field })
	if problem != "" && !known {
		c.mistakes = append(c.mistakes, &Mistake{Field: field, Variable: variableOf(field), Problem: problem})
	}
}

// check notes the problem with a field that was set.
func (c *checker) check(field string, problem func() string) {
	if c.given(field) {
		c.add(field, problem())
	}
}

// around finds what stands around a text and is none that was meant, which goes before whatever else is wrong with it.
func (c *checker) around() {
	for _, field := range Fields {
		if text := reflect.ValueOf(c.config).FieldByName(field); text.Kind() == reflect.String {
			c.add(field, checkAround(text.String()))
		}
	}
}

func (c *checker) names() {
	own := c.config
	c.check("Backend", func() string {
		return checkName(own.Backend, "backend", "drivers", Backends, drivers.Linked(), own.Driver != nil || own.Disabled)
	})
	c.check("Codec", func() string {
		return checkName(own.Codec, "codec", "encoders", Codecs, encoders.Linked(), own.Encoder != nil)
	})
	c.duration("TTL", own.TTL, rangeTTL)
}

func (c *checker) keys() {
	own := c.config
	c.check("KeyPrefix", func() string {
		if !utf8.ValidString(own.KeyPrefix) {
			return "it is not UTF-8: give " + formKeyPrefix
		}
		return ""
	})
	c.check("PlainKeys", func() string {
		if own.PlainKeys && own.KeyPrefix != "" {
			return fmt.Sprintf("plain keys have no prefix, and KeyPrefix (%s) is set: give one of the two", variableOf("KeyPrefix"))
		}
		return ""
	})
	c.check("Service", func() string { return checkLabel(own.Service, formService) })
	c.check("Version", func() string { return checkLabel(own.Version, formVersion) })
}

func (c *checker) limits() {
	own := c.config
	c.size("MemoryLimit", own.MemoryLimit, rangeMemory)
	c.duration("OperationTimeout", own.OperationTimeout, rangeTimeout)
	c.size("BodyLimit", own.BodyLimit, rangeBody)
	c.check("BodyLimit", func() string { return c.bodyOverMemory() })
	c.duration("KeepStale", own.KeepStale, rangeKeepStale)
	if own.Lease != 0 {
		c.duration("Lease", own.Lease, rangeLease)
	}
	if own.Near != 0 {
		c.size("Near", own.Near, rangeMemory)
	}
	c.check("Near", c.nearOverMemory)
	c.duration("NearStaleness", own.NearStaleness, rangeNearStaleness)
	c.duration("NearPoll", own.NearPoll, rangeNearPoll)
	c.check("NearPoll", c.pollOverStaleness)
	c.check("InvalidateOn", func() string { return checkInvalidateOn(own.InvalidateOn) })
	c.check("TagHeader", func() string {
		_, problem := argument.TagFields(own.TagHeader)
		return problem
	})
	c.check("Compression", func() string {
		if own.Compression && codings.Linked() == nil {
			return fmt.Sprintf("no content coding is linked into this program: add import _ %q", codings.Path)
		}
		return ""
	})
	c.check("Audit", func() string {
		if !(own.Audit >= 0 && own.Audit <= 1) {
			return fmt.Sprintf("%v is no part of the hits: give %s", own.Audit, formPart)
		}
		return ""
	})
	c.check("Driver", func() string { return checkOwn(own.Driver) })
	c.check("Encoder", func() string { return checkOwn(own.Encoder) })
}

// checkName checks the name of a backend or a codec. Where the program brings its own, a name that is known need not
// be linked.
func checkName(name, noun, folder string, known, linked []string, own bool) string {
	switch {
	case slices.Contains(linked, name), own && slices.Contains(known, name):
		return ""
	case slices.Contains(known, name):
		return notLinked(noun, name, folder, linked)
	}
	names := slices.Concat(known, linked)
	slices.Sort(names)
	names = slices.Compact(names)
	if i := slices.IndexFunc(names, func(n string) bool { return strings.EqualFold(n, name) }); i >= 0 {
		return fmt.Sprintf("%s is no %s, for names are in lower case: give %s", wording.Shown(name), noun, names[i])
	}
	return fmt.Sprintf("%s is no %s: give one of %s", wording.Shown(name), noun, list(names))
}

func notLinked(noun, name, folder string, linked []string) string {
	return fmt.Sprintf("%s %s is not linked into this program, which has %s: add import _ %q",
		noun, name, list(linked), module+folder+"/"+name)
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// checkOwn checks a driver or an encoder that the program has made: a nil pointer in an interface is not nil.
func checkOwn(value any) string {
	if v := reflect.ValueOf(value); v.Kind() == reflect.Pointer && v.IsNil() {
		return fmt.Sprintf("it is a nil pointer (%T): leave the field nil, or make one", value)
	}
	return ""
}

// checkLabel checks what names a service or a version.
func checkLabel(text, form string) string {
	const limit = 255 // bytes
	switch {
	case !utf8.ValidString(text):
		return "it is not UTF-8: give " + form
	case len(text) > limit:
		return fmt.Sprintf("it has %d bytes: give %s", len(text), form)
	}
	return ""
}

// checkInvalidateOn checks which answers are to invalidate on all routes. Errors are not for all: a request that is refused could empty
// any page.
func checkInvalidateOn(word string) string {
	switch rfc9111.Invalidation(word) {
	case rfc9111.OnNone, rfc9111.OnSuccess, rfc9111.OnNonError:
		return ""
	case rfc9111.OnAny:
		return "any is for single routes, by the function InvalidateOn, since requests that are refused would invalidate: give " + formInvalidateOn
	}
	return fmt.Sprintf("%s names no answers: give %s", wording.Shown(word), formInvalidateOn)
}
