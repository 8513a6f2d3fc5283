package encodertest

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/gin-cachette/cachette/encoders"
)

func checkName(s Suite, report reporter) {
	name := s.Encoder.Name()
	if name == "" || name != strings.ToLower(name) || strings.ContainsAny(name, " \t\n") {
		report("Name() = %q, want a word in lower case", name)
	}
	if again := s.Encoder.Name(); again != name {
		report("Name() = %q, and then %q", name, again)
	}
}

func checkRoundTrip(s Suite, report reporter) {
	for i, c := range s.Cases {
		label := c.label(i)
		data, err := s.encode(c.Value)
		if err != nil {
			report("%s: Encode: %v", label, err)
			continue
		}
		if c.Data != nil && !bytes.Equal(data, c.Data) {
			report("%s: Encode = %q, want %q", label, data, c.Data)
		}
		got, err := s.decodeNew(data, c.dstType())
		if err != nil {
			report("%s: Decode(%q): %v", label, data, err)
			continue
		}
		if !equal(got, c.want()) {
			report("%s: it came back as %T %#v, want %T %#v", label, got, got, c.want(), c.want())
		}
	}
}

// checkDeterminism: a value that is encoded twice gives the same bytes, so that stores can compare them. A map has
// another order each time that it is walked, and 100 times show it.
func checkDeterminism(s Suite, report reporter) {
	for i, c := range s.Cases {
		first, err := s.encode(c.Value)
		if err != nil {
			continue
		}
		first = bytes.Clone(first)
		for range 100 {
			again, err := s.encode(c.Value)
			if err != nil || !bytes.Equal(again, first) {
				report("%s: encoded twice it gave %q, and then %q (%v)", c.label(i), first, again, err)
				break
			}
		}
	}
}

// checkOwnership: what Encode returns is the caller's, and Decode neither keeps nor changes what it is given.
func checkOwnership(s Suite, report reporter) {
	type kept struct {
		label          string
		data, original []byte
	}
	var all []kept
	for i, c := range s.Cases {
		label := c.label(i)
		data, err := s.encode(c.Value)
		if err != nil {
			continue
		}
		original := bytes.Clone(data)

		scribble(data)
		again, err := s.encode(c.Value)
		if err != nil || !bytes.Equal(again, original) {
			report("%s: after a change to the bytes that Encode returned it gave %q, want %q (%v)", label, again, original, err)
			continue
		}
		all = append(all, kept{label, again, original})

		given := bytes.Clone(original)
		dst := reflect.New(c.dstType())
		if err := s.decode(given, dst.Interface()); err != nil {
			continue
		}
		if !bytes.Equal(given, original) {
			report("%s: Decode changed its data to %q, from %q", label, given, original)
		}
		scribble(given)
		if got := dst.Elem().Interface(); !equal(got, c.want()) {
			report("%s: what was decoded changed with the data, to %#v", label, got)
		}
	}
	for _, k := range all {
		if !bytes.Equal(k.data, k.original) {
			report("%s: the bytes of one Encode were changed by a later one, from %q to %q", k.label, k.original, k.data)
		}
	}
}

func scribble(data []byte) {
	for i := range data {
		data[i] ^= 0xA5
	}
}

// checkReplacement: what is decoded over an old value is what was stored and nothing of the old, and whoever still
// holds a part of the old value (a map, a slice) does not see it change.
func checkReplacement(s Suite, report reporter) {
	all := s.encodeAll()
	for _, old := range all {
		for _, c := range all {
			if old.dstType() != c.dstType() {
				continue
			}
			dst := reflect.New(c.dstType())
			if s.decode(old.data, dst.Interface()) != nil {
				continue
			}
			held := dst.Elem().Interface()
			if err := s.decode(c.data, dst.Interface()); err != nil {
				report("%s over %s: Decode: %v", c.label, old.label, err)
				continue
			}
			if got := dst.Elem().Interface(); !equal(got, c.want()) {
				report("%s over %s: it came back as %#v, want %#v", c.label, old.label, got, c.want())
			}
			if !equal(held, old.want()) {
				report("%s over %s: a copy of the old value changed to %#v", c.label, old.label, held)
			}
		}
	}
}

func checkRefuses(s Suite, report reporter) {
	for i, value := range s.Refuses {
		label := fmt.Sprintf("value %d (%T)", i, value)
		data, err := s.encode(value)
		if err == nil {
			report("%s: Encode = %q, want an error", label, data)
			continue
		}
		if data != nil {
			report("%s: Encode gave bytes beside its error: %q", label, data)
		}
		s.checkUnsupported(err, "encode", fmt.Sprintf("%T", value), label, report)
	}
}

// checkBadDestinations: what cannot be decoded into at all is an error that says so.
func checkBadDestinations(s Suite, report reporter) {
	for _, c := range s.encodeAll() {
		t := c.dstType()
		bad := []any{nil, reflect.Zero(reflect.PointerTo(t)).Interface()}
		if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
			bad = append(bad, reflect.Zero(t).Interface())
		}
		for _, dst := range bad {
			label := fmt.Sprintf("%s into a %T", c.label, dst)
			err := s.decode(bytes.Clone(c.data), dst)
			if err == nil {
				report("%s: want an error", label)
				continue
			}
			s.checkUnsupported(err, "decode", fmt.Sprintf("%T", dst), label, report)
		}
	}
}

func checkRefusesInto(s Suite, report reporter) {
	for i, into := range s.RefusesInto {
		label := into.Name
		if label == "" {
			label = fmt.Sprintf("destination %d (%T)", i, into.Dst)
		}
		data := into.Data
		if data == nil {
			var err error
			if data, err = s.encode(into.Value); err != nil {
				report("%s: Encode(%T): %v", label, into.Value, err)
				continue
			}
		}

		before := reflect.ValueOf(into.Dst).Elem().Interface()
		err := s.decode(bytes.Clone(data), into.Dst)
		if after := reflect.ValueOf(into.Dst).Elem().Interface(); !equal(after, before) {
			report("%s: Decode(%q) changed the destination from %#v to %#v", label, data, before, after)
		}
		if err == nil {
			report("%s: Decode(%q) gave no error", label, data)
			continue
		}
		unsupported := s.checkUnsupported(err, "decode", fmt.Sprintf("%T", into.Dst), label, report)
		if unsupported == nil {
			continue
		}
		if unsupported.Holds == "" || !strings.Contains(unsupported.Holds, into.Holds) {
			report("%s: the error says that the data holds %q, want %q", label, unsupported.Holds, into.Holds)
		}
		if !strings.Contains(err.Error(), unsupported.Holds) {
			report("%s: the message %q does not say what the data holds", label, err)
		}
	}
}

// checkUnsupported holds err to the form that every refusal has. It returns nil where err is another error.
func (s Suite) checkUnsupported(err error, op, typ, label string, report reporter) *encoders.UnsupportedTypeError {
	var unsupported *encoders.UnsupportedTypeError
	if !errors.Is(err, encoders.ErrUnsupportedType) || !errors.As(err, &unsupported) {
		report("%s: %q is not an *encoders.UnsupportedTypeError", label, err)
		return nil
	}
	if unsupported.Codec != s.Encoder.Name() || unsupported.Op != op || unsupported.Type != typ {
		report("%s: the error has codec %q, op %q, type %q, want %q, %q, %q", label,
			unsupported.Codec, unsupported.Op, unsupported.Type, s.Encoder.Name(), op, typ)
	}
	if !strings.Contains(err.Error(), typ) {
		report("%s: the message %q does not name the type %s", label, err, typ)
	}
	return unsupported
}
