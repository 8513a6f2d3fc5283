package frame

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/decimal128"
)

// A plan says how a struct type's fields are columns.
type plan struct {
	columns []column
	schema  *arrow.Schema
}

// A column is a field of a struct.
type column struct {
	name     string
	index    []int // its place in the struct
	goType   reflect.Type
	typ      arrow.DataType
	optional bool // the data may lack it
	append   appender
}

var (
	timeType     = reflect.TypeFor[time.Time]()
	durationType = reflect.TypeFor[time.Duration]()
	decimalType  = reflect.TypeFor[decimal128.Num]()
)

const day = 24 * time.Hour

var plans sync.Map // reflect.Type to *plan

func planOf(row reflect.Type) (*plan, error) {
	if p, ok := plans.Load(row); ok {
		return p.(*plan), nil
	}
	p, err := newPlan(row)
	if err != nil {
		return nil, err
	}
	plans.Store(row, p)
	return p, nil
}

func newPlan(row reflect.Type) (*plan, error) {
	p := &plan{}
	found, err := fieldsOf(row, nil, nil)
	if err != nil {
		return nil, err
	}
	var fields []arrow.Field
	var index []string
	nullable := make(map[string]dtype) // by the type, not by the data: a column always has the same one
	for _, f := range found {
		kind, err := kindOf(f.Type, f.options)
		if err != nil {
			return nil, fmt.Errorf("field %s: %w", f.Name, err)
		}
		if f.options.index || f.column == IndexName {
			index = append(index, f.column)
		}
		if own, ok := nullableDtypes[kind.typ.ID()]; ok && (f.Type.Kind() == reflect.Pointer || mayBeNull(f.Type)) {
			nullable[f.column] = own
		}
		p.columns = append(p.columns, column{f.column, f.Index, f.Type, kind.typ, f.options.optional, kind.append})
		fields = append(fields, arrow.Field{Name: f.column, Type: kind.typ, Nullable: true})
	}
	if len(fields) == 0 {
		return nil, fmt.Errorf("%s has no exported field", row)
	}
	p.schema = arrow.NewSchema(fields, nil)
	if index != nil || len(nullable) > 0 {
		p.schema = withPandas(p.schema, index, nullable)
	}
	return p, nil
}

// A field is one that is a column.
type field struct {
	reflect.StructField
	column  string
	options options
}

// fieldsOf finds the fields of a struct that are columns, and adds them to those that were found in what embeds it. Of two of
// one name the less deep one counts.
func fieldsOf(t reflect.Type, within []int, found []field) (_ []field, err error) {
	for i := range t.NumField() {
		f := t.Field(i)
		f.Index = append(slices.Clone(within), i)
		name, o, skip := parseTag(f)
		switch {
		case skip:
			continue
		case f.Anonymous && name == "" && embeds(f.Type):
			if found, err = fieldsOf(f.Type, f.Index, found); err != nil {
				return nil, err
			}
			continue
		case f.Anonymous && f.Type.Kind() == reflect.Pointer && embeds(f.Type.Elem()):
			return nil, fmt.Errorf("field %s embeds a pointer: embed the struct itself, or give it the tag `arrow:\"-\"`", f.Name)
		case !f.IsExported():
			continue
		}
		name = cmp.Or(name, f.Name)
		switch other := slices.IndexFunc(found, func(other field) bool { return other.column == name }); {
		case other < 0:
			found = append(found, field{f, name, o})
		case len(found[other].Index) == len(f.Index):
			return nil, fmt.Errorf("two fields are named %q", name)
		case len(found[other].Index) > len(f.Index):
			found[other] = field{f, name, o}
		}
	}
	return found, nil
}

// embeds reports whether a struct that is embedded gives its fields, and is not one value itself.
func embeds(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != timeType && t != decimalType && !mayBeNull(t) && !writesText(t)
}

// options are what the tag says after the name.
type options struct {
	index, optional, date, timeOfDay, dictionary bool

	unit    *arrow.TimeUnit
	decimal *arrow.Decimal128Type
	unknown string
}

var units = map[string]arrow.TimeUnit{
	"s": arrow.Second, "ms": arrow.Millisecond, "us": arrow.Microsecond, "ns": arrow.Nanosecond,
}

// unitOr is the unit that the tag says, or else another one.
func (o options) unitOr(unit arrow.TimeUnit) arrow.TimeUnit {
	if o.unit != nil {
		return *o.unit
	}
	return unit
}

// parseTag reads a field's name and options from its tag: arrow, else json for the name alone.
func parseTag(field reflect.StructField) (name string, o options, skip bool) {
	tag, ok := field.Tag.Lookup("arrow")
	if !ok {
		name, _, _ = strings.Cut(field.Tag.Get("json"), ",")
		if field.Tag.Get("json") == "-" {
			return "", o, true
		}
	}
	if tag == "-" {
		return "", o, true
	}
	if ok {
		var rest string
		name, rest, _ = strings.Cut(tag, ",")
		o = parseOptions(rest)
	}
	return name, o, false
}

func parseOptions(text string) (o options) {
	for text != "" {
		end := strings.IndexByte(text, ',')
		if open := strings.IndexByte(text, '('); open >= 0 && open < end {
			end = open + strings.IndexByte(text[open:]+")", ')') + 1
		}
		if end < 0 || end > len(text) {
			end = len(text)
		}
		option := text[:end]
		text = strings.TrimPrefix(text[end:], ",")

		unit, isUnit := units[option]
		switch {
		case option == "index":
			o.index = true
		case option == "optional":
			o.optional = true
		case option == "date":
			o.date = true
		case option == "time":
			o.timeOfDay = true
		case option == "dictionary":
			o.dictionary = true
		case isUnit:
			o.unit = &unit
		case strings.HasPrefix(option, "decimal(") && strings.HasSuffix(option, ")"):
			o.decimal = parseDecimalType(option[len("decimal(") : len(option)-1])
			if o.decimal == nil {
				o.unknown = option
			}
		default:
			o.unknown = option
		}
	}
	return o
}

func parseDecimalType(text string) *arrow.Decimal128Type {
	first, second, _ := strings.Cut(text, ",")
	precision, err1 := strconv.Atoi(strings.TrimSpace(first))
	scale, err2 := strconv.Atoi(strings.TrimSpace(second))
	if err1 != nil || err2 != nil || precision < 1 || precision > 38 || scale < 0 || scale > precision {
		return nil
	}
	return &arrow.Decimal128Type{Precision: int32(precision), Scale: int32(scale)}
}

// maxNesting bounds lists within lists: a Go type may hold itself.
const maxNesting = 16

// check refuses options that have no meaning for a type.
func (o options) check(t reflect.Type) error {
	for range maxNesting {
		switch {
		case mayBeNull(t):
			t = t.Field(0).Type
		case t.Kind() == reflect.Pointer || !writesText(t) && (t.Kind() == reflect.Slice || t.Kind() == reflect.Array) && !isByte(t.Elem()):
			t = t.Elem()
		}
	}
	switch {
	case o.unknown != "":
		return fmt.Errorf("its tag has an unknown option %q", o.unknown)
	case o.timeOfDay && t != durationType:
		return fmt.Errorf("its tag says time, which is the time.Duration since midnight, and its type is %s", t)
	case (o.date || o.unit != nil) && t != timeType && (t != durationType || o.date):
		return fmt.Errorf("its tag has an option for times, and its type is %s", t)
	case o.decimal != nil && t != decimalType:
		return fmt.Errorf("its tag says decimal, and its type is %s, not decimal128.Num", t)
	case o.decimal == nil && t == decimalType:
		return fmt.Errorf("a decimal128.Num needs its precision and scale in the tag: `arrow:\"name,decimal(10,2)\"`")
	case o.dictionary && t.Kind() != reflect.String && !writesText(t):
		return fmt.Errorf("its tag says dictionary, and its type is %s, neither a string nor one that writes itself as text", t)
	}
	return nil
}
