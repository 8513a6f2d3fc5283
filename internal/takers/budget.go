package takers

import "reflect"

// budget is for how many bytes more of a value it looks.
type budget int

// table is what tells its size by methods.
type table interface {
	NumRows() int64
	NumCols() int64
}

// word is how many bytes a value counts at least.
const word = 8

// weigh reports whether value and all that it leads to is within the budget.
func (b *budget) weigh(value any) bool {
	if t, ok := value.(table); ok {
		*b -= budget(min(t.NumRows(), maxBytes)*min(t.NumCols(), maxBytes)) * word
	}
	b.walk(reflect.ValueOf(value))
	return *b > 0
}

// walk takes what v holds off the budget. It looks at nothing that codecs do not see, for others may be changing it.
func (b *budget) walk(v reflect.Value) {
	*b -= word
	if *b <= 0 {
		return
	}
	switch v.Kind() {
	case reflect.String:
		*b -= budget(v.Len())
	case reflect.Pointer, reflect.Interface:
		b.walk(v.Elem())
	case reflect.Slice, reflect.Array:
		b.elements(v)
	case reflect.Map:
		for entry := v.MapRange(); *b > 0 && entry.Next(); {
			b.walk(entry.Key())
			b.walk(entry.Value())
		}
	case reflect.Struct:
		for i := 0; i < v.NumField() && *b > 0; i++ {
			if field := v.Type().Field(i); (field.IsExported() || field.Anonymous) && field.Tag.Get("json") != "-" {
				b.walk(v.Field(i))
			}
		}
	}
}

// elements looks at those that lead to others one by one.
func (b *budget) elements(v reflect.Value) {
	switch v.Type().Elem().Kind() {
	case reflect.String, reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Array, reflect.Map, reflect.Struct:
		for i := 0; i < v.Len() && *b > 0; i++ {
			b.walk(v.Index(i))
		}
	default:
		*b -= budget(min(v.Len(), maxBytes)) * budget(v.Type().Elem().Size())
	}
}
