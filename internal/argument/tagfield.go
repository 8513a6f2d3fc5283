package argument

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/wording"
)

// TagField is a field in which a CDN reads the tags of a response.
type TagField struct {
	Name      string // in its canonical form
	separator string
	maxTag    int    // how many bytes of a tag the CDN reads
	max       int    // how many bytes of the field
	plain     string // the marks that stand for themselves beside letters and digits; all visible ones but the comma where empty
}

// tagFields are the fields that are known, with the limits that the CDNs have documented.
var tagFields = []TagField{
	{Name: "Cache-Tag", separator: ",", maxTag: 1024, max: 16 << 10},
	{Name: "Surrogate-Key", separator: " ", maxTag: 1024, max: 16 << 10},
	{Name: "Edge-Cache-Tag", separator: ",", maxTag: 128, max: 8 << 10, plain: "!#$'+./^_`|~-"},
	{Name: "Xkey", separator: " ", maxTag: 1024, max: 7 << 10}, // Varnish takes lines of 8 KiB
}

// FormTagHeader says what names fields for tags.
const FormTagHeader = "Cache-Tag, Surrogate-Key, Edge-Cache-Tag or xkey, or several with commas between them"

// TagFields reads the names of fields, with commas between them. The problem is empty where there is none.
func TagFields(names string) (fields []TagField, problem string) {
	if names == "" {
		return nil, ""
	}
	for name := range strings.SplitSeq(names, ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		named := func(field TagField) bool { return field.Name == name }
		known := slices.IndexFunc(tagFields, named)
		switch {
		case known < 0:
			return nil, fmt.Sprintf("%s names a field for tags that is not known: give %s", wording.Shown(names), FormTagHeader)
		case slices.ContainsFunc(fields, named):
			return nil, fmt.Sprintf("it names %.64q twice: give each once", name)
		}
		fields = append(fields, tagFields[known])
	}
	return fields, ""
}

// Add returns the line of the field that has tags beside those that its lines have, each once; none where there are no tags at all. What cannot stand
// in a tag there is percent-encoded. The line is whole unless a CDN would not read all of it: then it has those tags that fit.
func (f *TagField) Add(lines, tags []string) (line string, whole bool) {
	line, whole = strings.Join(lines, f.separator), true
	had := map[string]bool{}
	for _, tag := range strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || strings.ContainsRune(f.separator, r) }) {
		had[tag] = true
	}
	for _, tag := range tags {
		tag = f.encode(tag)
		switch {
		case had[tag]:
			continue
		case len(tag) > f.maxTag, len(line)+len(f.separator)+len(tag) > f.max:
			whole = false
			continue
		case line != "":
			line += f.separator
		}
		line += tag
		had[tag] = true
	}
	return line, whole && len(line) <= f.max
}

// encode percent-encodes what cannot stand in a tag of the field.
func (f *TagField) encode(tag string) string {
	var b strings.Builder
	for i := range len(tag) {
		switch c := tag[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9',
			f.plain == "" && c > ' ' && c < 0x7f && c != ',' && c != '%', strings.IndexByte(f.plain, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
