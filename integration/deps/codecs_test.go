package deps_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
)

const arrow = "github.com/apache/arrow/go/v15/"

// codecs are the codecs, each with what it must not link: the libraries of the others, and what of its own it can do without.
var codecs = []struct {
	name    string
	without []string
}{
	{"vanilla", []string{arrow, "github.com/bytedance/", "github.com/vmihailenco/"}},
	{"json", []string{arrow, "github.com/bytedance/", "github.com/vmihailenco/"}},
	{"orjson", []string{arrow, "github.com/vmihailenco/"}},
	{"msgpack", []string{arrow, "github.com/bytedance/"}},
	{"pickle", []string{arrow, "github.com/bytedance/", "github.com/vmihailenco/"}},
	{"csv", []string{arrow + "arrow/compute", arrow + "arrow/ipc", arrow + "parquet", "github.com/bytedance/", "github.com/vmihailenco/"}},
	{"feather", []string{arrow + "arrow/compute", arrow + "parquet", "github.com/bytedance/", "github.com/vmihailenco/"}},
	{"parquet", []string{"github.com/bytedance/", "github.com/vmihailenco/"}},
}

// TestCodecsLinkTheirOwn: a program that imports a codec links its library, and neither another's nor anything of ours that it does not
// need.
func TestCodecsLinkTheirOwn(t *testing.T) {
	for _, codec := range codecs {
		path := module + "/encoders/" + codec.name
		for linked := range linked(t, path) {
			for _, foreign := range codec.without {
				if strings.HasPrefix(linked, foreign) {
					t.Errorf("%s links %s", codec.name, linked)
				}
			}
			rest, ours := strings.CutPrefix(linked, module+"/")
			if linked == module || linked == gin || ours && linked != path && rest != "encoders" && !strings.HasPrefix(rest, "encoders/internal/") {
				t.Errorf("%s links %s", codec.name, linked)
			}
		}
	}
}

// TestCodecSizes holds the sizes that README.md and docs/codecs.md tell against those of programs built here.
func TestCodecSizes(t *testing.T) {
	without := size(t, "./testdata/cachette")
	for _, codec := range codecs {
		added := sizeWith(t, module+"/encoders/"+codec.name) - without
		for _, page := range []string{"../../README.md", "../../docs/codecs.md"} {
			holdSize(t, page, codec.name, sizeIn(t, page, codec.name), added)
		}
	}
}

// sizeIn returns what a page's table of codecs says in its last column, in MB.
func sizeIn(t *testing.T, page, codec string) float64 {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		if !strings.HasPrefix(line, "| `"+codec+"` |") {
			continue
		}
		cells := strings.Split(strings.TrimSpace(line), "|")
		cell := strings.TrimSpace(cells[len(cells)-2])
		if cell == "—" {
			return 0
		}
		if told, err := strconv.ParseFloat(strings.TrimSuffix(cell, " MB"), 64); err == nil {
			return told
		}
	}
	t.Fatalf("%s does not say what %s adds", page, codec)
	return 0
}
