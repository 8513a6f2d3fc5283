package mongodb

import (
	"math"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

func TestEndOf(t *testing.T) {
	const second = 1_900_000_000
	for _, row := range []struct {
		name      string
		expires   any
		expiresAt any
		want      int64 // in milliseconds
		none      bool
	}{
		{"ours", int64(second), bson.DateTime(second*1000 + 999), second*1000 + 999, false},
		{"ours, at a full second", int64(second), bson.DateTime(second * 1000), second * 1000, false},
		{"written by Python", int32(second), nil, second * 1000, false},
		{"written by a Python after 2038", int64(second), nil, second * 1000, false},
		{"replaced by Python", int32(second), bson.DateTime(second*1000 - 5000), second * 1000, false},
		{"replaced by Python for the same second", int32(second), bson.DateTime(second*1000 + 500), second * 1000, false},
		{"replaced by a Python after 2038, earlier", int64(second), bson.DateTime(second*1000 - 1), second * 1000, false},
		{"replaced by a Python after 2038, later", int64(second), bson.DateTime(second*1000 + 1000), second * 1000, false},
		{"a date of another type", int64(second), int64(second*1000 + 5), second * 1000, false},
		{"a float", float64(second), nil, second * 1000, false},
		{"far away", int64(math.MaxInt64), nil, math.MaxInt64, false},
		{"before the epoch", int64(math.MinInt64), nil, 0, false},
		{"none", nil, bson.DateTime(second * 1000), 0, true},
		{"a string", "1900000000", nil, 0, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			var document bson.D
			if row.expires != nil {
				document = append(document, bson.E{Key: "expires", Value: row.expires})
			}
			if row.expiresAt != nil {
				document = append(document, bson.E{Key: "expires_at", Value: row.expiresAt})
			}
			if got, ok := endOf(marshal(document)); got != row.want || ok == row.none {
				t.Errorf("endOf = %d, %t, want %d, %t", got, ok, row.want, !row.none)
			}
		})
	}
}

// The largest value makes a document of 16 MiB, to the byte.
func TestMaxValue(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "k", strings.Repeat("ж", 300), strings.Repeat("k", 1<<20), strings.Repeat("k", 16<<20-81)} {
		document := append(bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "key", Value: name}},
			fields(make([]byte, maxValue(name)), 1)...)
		if got := len(marshal(document)); got != 16<<20 {
			t.Errorf("the largest value under a name of %d bytes makes a document of %d bytes, want %d", len(name), got, 16<<20)
		}
	}
	for _, size := range []int{16<<20 - 80, 16 << 20, 20 << 20} {
		if got := maxValue(strings.Repeat("k", size)); got >= 0 {
			t.Errorf("maxValue of a name of %d bytes = %d, want it below zero", size, got)
		}
	}
}

func TestParseMalformed(t *testing.T) {
	good := func() bson.M {
		return bson.M{"key": "k", "value": []byte("v"), "expires": int64(1)}
	}
	if _, err := parse(marshal(toD(good()))); err != nil {
		t.Fatal(err)
	}
	for field, bad := range map[string]any{"key": 7, "value": "text", "expires": "soon"} {
		document := good()
		document[field] = bad
		if _, err := parse(marshal(toD(document))); err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("a document whose %s is %v: %v, want an error that names it", field, bad, err)
		}
	}
}

func toD(m bson.M) (d bson.D) {
	for key, value := range m {
		d = append(d, bson.E{Key: key, Value: value})
	}
	return d
}

func TestBatches(t *testing.T) {
	large := strings.Repeat("k", batchBytes/2)
	var many []string
	for range 2*batchKeys + 1 {
		many = append(many, "k")
	}
	for _, row := range []struct {
		name string
		keys []string
		want []int
	}{
		{"none", nil, nil},
		{"one", []string{"a"}, []int{1}},
		{"many", many, []int{batchKeys, batchKeys, 1}},
		{"large ones", []string{large, large, large}, []int{2, 1}},
		{"one larger than a batch", []string{"a", large + large + large, "b"}, []int{1, 1, 1}},
		{"one that cannot be stored", []string{"a", strings.Repeat("k", 16<<20), "b"}, []int{2}},
	} {
		var got []int
		for names := range batches(row.keys) {
			got = append(got, len(names))
		}
		if len(got) != len(row.want) {
			t.Errorf("%s: batches of %v, want %v", row.name, got, row.want)
			continue
		}
		for i := range got {
			if got[i] != row.want[i] {
				t.Errorf("%s: batches of %v, want %v", row.name, got, row.want)
			}
		}
	}
	for range batches(many) {
		break // a loop may end early
	}
}
