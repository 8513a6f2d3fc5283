package all_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v15/arrow"

	"github.com/gin-cachette/cachette/encoders"
)

// tableShape has the methods by which a table of Arrow is known, and writes itself as text as those do.
type tableShape struct{ text string }

func (t *tableShape) NumRows() int64 { return 1 }
func (t *tableShape) NumCols() int64 { return 1 }
func (t *tableShape) Retain()        {}
func (t *tableShape) Release()       {}
func (t *tableShape) String() string { return t.text }

type (
	// otherTable and otherRecord are what another version of Arrow has.
	otherTable  struct{ tableShape }
	otherRecord struct{ otherTable }
	otherSchema struct{}
	oddTable    struct{ tableShape }
	bareRecord  struct{ tableShape }
)

func (t *otherTable) Schema() *otherSchema           { return nil }
func (t *otherSchema) Fields() []arrow.Field         { return nil }
func (r *otherRecord) MarshalJSON() ([]byte, error)  { return json.Marshal(r.text) }
func (r *bareRecord) MarshalJSON() ([]byte, error)   { return json.Marshal(r.text) }
func (t *oddTable) Schema(map[string]any) arrow.Type { return 0 }

// TestAnotherArrow: the codecs of tables say that it is another one, and do not send the caller from one to the next.
func TestAnotherArrow(t *testing.T) {
	const other = "values of another version of Arrow are other types: give those of github.com/apache/arrow/go/v15"
	const noTable = "give an arrow.Record, an arrow.Table or a slice of structs"
	for _, name := range strings.Fields(tables) {
		encoder, _ := encoders.Lookup(name)
		for _, test := range []struct {
			value any
			want  string
		}{
			{&otherTable{}, other}, {&otherRecord{}, other + "; codecs json and orjson take the value"},
			{&tableShape{}, noTable}, {&oddTable{}, noTable},
		} {
			if _, err := encoder.Encode(test.value); err == nil || !strings.HasSuffix(err.Error(), ": "+test.want) {
				t.Errorf("codec %s, %T: the error is %v, want %q", name, test.value, err, test.want)
			}
		}
		dst := &otherTable{}
		if err := encoder.Decode(nil, &dst); err == nil || !strings.HasSuffix(err.Error(), ": "+other) {
			t.Errorf("codec %s: the error is %v, want %q", name, err, other)
		}
	}
}
