package rfc9111_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/gin-cachette/cachette/internal/rfc9111"
)

// TestDates reads dates by way of Last-Modified (RFC 9110 §5.6.7).
func TestDates(t *testing.T) {
	at := func(year int, month time.Month, day, hour, minute, second int) time.Time {
		return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
	}
	example := at(1994, time.November, 6, 8, 49, 37)
	for _, test := range []struct {
		name  string
		value string
		want  time.Time // zero for a value that is no date
	}{
		{"IMF-fixdate", "Sun, 06 Nov 1994 08:49:37 GMT", example},
		{"RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT", example},
		{"asctime", "Sun Nov  6 08:49:37 1994", example},
		{"asctime with a day of two digits", "Wed Nov 16 08:49:37 1994", at(1994, time.November, 16, 8, 49, 37)},

		{"RFC 850, a year to come", "Thursday, 18-Aug-50 02:01:18 GMT", at(2050, time.August, 18, 2, 1, 18)},
		{"RFC 850, 50 years ahead to the second", "Monday, 15-Jun-75 12:00:00 GMT", at(2075, time.June, 15, 12, 0, 0)},
		{"RFC 850, a second more than 50 years ahead", "Monday, 15-Jun-75 12:00:01 GMT", at(1975, time.June, 15, 12, 0, 1)},
		{"RFC 850, the last year of the century", "Friday, 31-Dec-99 23:59:59 GMT",
			at(1999, time.December, 31, 23, 59, 59)},
		{"RFC 850, the first year of the century", "Saturday, 01-Jan-00 00:00:00 GMT", at(2000, time.January, 1, 0, 0, 0)},
		{"RFC 850, a leap day", "Tuesday, 29-Feb-00 00:00:00 GMT", at(2000, time.February, 29, 0, 0, 0)},

		{"names in another case", "sun, 06 NOV 1994 08:49:37 GMT", example}, // §5.6.7 has recipients be robust
		{"a wrong day of the week", "Mon, 06 Nov 1994 08:49:37 GMT", example},

		{"zero", "0", time.Time{}},
		{"minus one", "-1", time.Time{}},
		{"nothing", "", time.Time{}},
		{"seconds since the epoch", "784111777", time.Time{}},
		{"ISO 8601", "1994-11-06T08:49:37Z", time.Time{}},
		{"UTC", "Sun, 06 Nov 1994 08:49:37 UTC", time.Time{}},
		{"another zone", "Sun, 06 Nov 1994 08:49:37 EST", time.Time{}},
		{"a zone by its offset", "Sun, 06 Nov 1994 08:49:37 +0000", time.Time{}},
		{"no zone", "Sun, 06 Nov 1994 08:49:37", time.Time{}},
		{"GMT in lower case", "Sun, 06 Nov 1994 08:49:37 gmt", time.Time{}},
		{"RFC 850 in another zone", "Sunday, 06-Nov-94 08:49:37 EST", time.Time{}},
		{"RFC 850 in UTC", "Sunday, 06-Nov-94 08:49:37 UTC", time.Time{}},
		{"RFC 850 beside GMT", "Sunday, 06-Nov-94 08:49:37 GMT+3", time.Time{}},
		{"asctime with a zone", "Sun Nov  6 08:49:37 1994 GMT", time.Time{}},
		{"a year of two digits", "Sun, 06 Nov 94 08:49:37 GMT", time.Time{}},
		{"dashes", "Sun, 06-Nov-1994 08:49:37 GMT", time.Time{}},
		{"a day that is none", "Wed, 31 Feb 1994 08:49:37 GMT", time.Time{}},
		{"an hour that is none", "Sun, 06 Nov 1994 24:00:00 GMT", time.Time{}},
		{"something behind it", "Sun, 06 Nov 1994 08:49:37 GMT, x", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := rfc9111.ReadValidators(http.Header{"Last-Modified": {test.value}}, noon).LastModified
			if !got.Equal(test.want) {
				t.Errorf("RFC 9110 §5.6.7: %q is %v, want %v", test.value, got, test.want)
			}
		})
	}
}
