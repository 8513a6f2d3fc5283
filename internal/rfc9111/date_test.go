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
		{"RFC 850, 50 years ahead to the second", "Saturday, 15-Jun-75 12:00:00 GMT", at(2075, time.June, 15, 12, 0, 0)},
		{"RFC 850, a second more than 50 years ahead", "Sunday, 15-Jun-75 12:00:01 GMT", at(1975, time.June, 15, 12, 0, 1)},
		{"RFC 850, the last year of the century", "Friday, 31-Dec-99 23:59:59 GMT",
			at(1999, time.December, 31, 23, 59, 59)},
		{"RFC 850, the first year of the century", "Saturday, 01-Jan-00 00:00:00 GMT", at(2000, time.January, 1, 0, 0, 0)},
		{"RFC 850, a leap day", "Tuesday, 29-Feb-00 00:00:00 GMT", at(2000, time.February, 29, 0, 0, 0)},

		{"asctime with a zero before the day", "Sun Nov 06 08:49:37 1994", example}, // date3 = month SP ( 2DIGIT / ( SP 1DIGIT ))
		{"the longest form", "Wednesday, 16-Nov-94 08:49:37 GMT", at(1994, time.November, 16, 8, 49, 37)},
		{"the first year", "Sat, 01 Jan 0000 00:00:00 GMT", at(0, time.January, 1, 0, 0, 0)},
		{"the last year", "Fri, 31 Dec 9999 23:59:59 GMT", at(9999, time.December, 31, 23, 59, 59)},
		{"white space around it", " \tSun, 06 Nov 1994 08:49:37 GMT\t ", example},                   // §5.5
		{"a leap second", "Sat, 31 Dec 2016 23:59:60 GMT", at(2016, time.December, 31, 23, 59, 59)}, // 9111 §4.2: not later
		{"a leap second, RFC 850", "Saturday, 31-Dec-16 23:59:60 GMT", at(2016, time.December, 31, 23, 59, 59)},
		{"a leap second, asctime", "Sat Dec 31 23:59:60 2016", at(2016, time.December, 31, 23, 59, 59)},

		// The form is good, and §5.6.7 has recipients be robust.
		{"the name of another day", "Mon, 06 Nov 1994 08:49:37 GMT", example},
		{"RFC 850 with the name of another day", "Wednesday, 06-Nov-94 08:49:37 GMT", example},
		{"asctime with the name of another day", "Mon Nov  6 08:49:37 1994", example},
		{"what names no day", "Sux, 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 850 with what names no day", "Sunnyday, 06-Nov-94 08:49:37 GMT", time.Time{}},

		// RFC 9111 §4.2 has caches match without regard to case.
		{"names in another case", "sun, 06 NOV 1994 08:49:37 GMT", example},
		{"the zone in lower case", "Sun, 06 Nov 1994 08:49:37 gmt", example},
		{"RFC 850 in lower case", "sunday, 06-nov-94 08:49:37 gmt", example},
		{"asctime in upper case", "SUN NOV  6 08:49:37 1994", example},

		{"zero", "0", time.Time{}},
		{"minus one", "-1", time.Time{}},
		{"nothing", "", time.Time{}},
		{"seconds since the epoch", "784111777", time.Time{}},
		{"ISO 8601", "1994-11-06T08:49:37Z", time.Time{}},
		{"UTC", "Sun, 06 Nov 1994 08:49:37 UTC", time.Time{}},
		{"another zone", "Sun, 06 Nov 1994 08:49:37 EST", time.Time{}},
		{"a zone by its offset", "Sun, 06 Nov 1994 08:49:37 +0000", time.Time{}},
		{"no zone", "Sun, 06 Nov 1994 08:49:37", time.Time{}},
		{"RFC 850 in another zone", "Sunday, 06-Nov-94 08:49:37 EST", time.Time{}},
		{"RFC 850 in UTC", "Sunday, 06-Nov-94 08:49:37 UTC", time.Time{}},
		{"RFC 850 beside GMT", "Sunday, 06-Nov-94 08:49:37 GMT+3", time.Time{}},
		{"asctime with a zone", "Sun Nov  6 08:49:37 1994 GMT", time.Time{}},
		{"a year of two digits", "Sun, 06 Nov 94 08:49:37 GMT", time.Time{}},
		{"dashes", "Sun, 06-Nov-1994 08:49:37 GMT", time.Time{}},
		{"a day that is none", "Wed, 31 Feb 1994 08:49:37 GMT", time.Time{}},
		{"an hour that is none", "Sun, 06 Nov 1994 24:00:00 GMT", time.Time{}},
		{"something behind it", "Sun, 06 Nov 1994 08:49:37 GMT, x", time.Time{}},

		// The widths are fixed, and so are the spaces.
		{"two spaces", "Sun, 06  Nov 1994 08:49:37 GMT", time.Time{}},
		{"two spaces before the zone", "Sun, 06 Nov 1994 08:49:37  GMT", time.Time{}},
		{"two spaces behind the comma", "Sun,  06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"no space behind the comma", "Sun,06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"no space before the zone", "Sun, 06 Nov 1994 08:49:37GMT", time.Time{}},
		{"a tab", "Sun,\t06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"no comma", "Sun 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"a day of one digit", "Sun, 6 Nov 1994 08:49:37 GMT", time.Time{}},
		{"a day of a space and a digit", "Sun,  6 Nov 1994 08:49:37 GMT", time.Time{}},
		{"an hour of one digit", "Sun, 06 Nov 1994 8:49:37 GMT", time.Time{}},
		{"an hour of a space and a digit", "Sun, 06 Nov 1994  8:49:37 GMT", time.Time{}},
		{"a minute of one digit", "Sun, 06 Nov 1994 08:9:37 GMT", time.Time{}},
		{"a second of one digit", "Sun, 06 Nov 1994 08:49:7 GMT", time.Time{}},
		{"no seconds", "Sun, 06 Nov 1994 08:49 GMT", time.Time{}},
		{"a fraction of a second", "Sun, 06 Nov 1994 08:49:37.5 GMT", time.Time{}},
		{"a fraction of a second behind a comma", "Sun, 06 Nov 1994 08:49:37,5 GMT", time.Time{}},
		{"a fraction of a second, asctime", "Sun Nov  6 08:49:37.0 1994", time.Time{}},
		{"a year of three digits", "Sun, 06 Nov 994 08:49:37 GMT", time.Time{}},
		{"a year of five digits", "Sun, 06 Nov 01994 08:49:37 GMT", time.Time{}},
		{"a month by its number", "Sun, 06 11 1994 08:49:37 GMT", time.Time{}},
		{"a month in full", "Sun, 06 November 1994 08:49:37 GMT", time.Time{}},
		{"a day of the week in full", "Sunday, 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"no day of the week", "06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"points in the time", "Sun, 06 Nov 1994 08.49.37 GMT", time.Time{}},
		{"a letter that only folds to one of ASCII", "\u017fun, 06 Nov 1994 08:49:37 GMT", time.Time{}},
		{"RFC 850 with a year of four digits", "Sunday, 06-Nov-1994 08:49:37 GMT", time.Time{}},
		{"RFC 850 with a short day of the week", "Sun, 06-Nov-94 08:49:37 GMT", time.Time{}},
		{"RFC 850 with an hour of one digit", "Sunday, 06-Nov-94 8:49:37 GMT", time.Time{}},
		{"RFC 850 with two spaces", "Sunday, 06-Nov-94  08:49:37 GMT", time.Time{}},
		{"asctime with a day of one digit alone", "Sun Nov 6 08:49:37 1994", time.Time{}},
		{"asctime with two spaces", "Wed Nov  16 08:49:37 1994", time.Time{}},
		{"asctime with an hour of one digit", "Sun Nov  6 8:49:37 1994", time.Time{}},

		{"RFC 850 on a leap day that is none", "Monday, 29-Feb-99 00:00:00 GMT", time.Time{}},

		{"a minute that is none", "Sun, 06 Nov 1994 08:60:37 GMT", time.Time{}},
		{"a second that is none", "Sun, 06 Nov 1994 08:49:61 GMT", time.Time{}},
		{"a leap second at another time", "Sun, 06 Nov 1994 08:49:60 GMT", time.Time{}},
		{"day 0", "Mon, 00 Nov 1994 08:49:37 GMT", time.Time{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := rfc9111.ReadValidators(http.Header{"Last-Modified": {test.value}}, noon).LastModified
			if !got.Equal(test.want) {
				t.Errorf("RFC 9110 §5.6.7: %q is %v, want %v", test.value, got, test.want)
			}
		})
	}
}

// TestTwoDigitYears places the year of RFC 850's form by the time of receipt (RFC 9110 §5.6.7).
func TestTwoDigitYears(t *testing.T) {
	at := func(year int) time.Time { return time.Date(year, time.March, 1, 0, 0, 0, 0, time.UTC) }
	for _, test := range []struct {
		received, want int
	}{
		{2025, 2075}, {2025, 1976}, {2025, 2000}, {2025, 1999},
		{2080, 2101}, {2080, 2130}, {2080, 2031}, {2080, 2080},
		{1999, 2000}, {1999, 2049}, {1999, 1950},
		{2100, 2100}, {2100, 2150}, {2100, 2051},
	} {
		value := at(test.want).Format("Monday, 02-Jan-06 15:04:05 GMT")
		got := rfc9111.ReadValidators(http.Header{"Last-Modified": {value}}, at(test.received)).LastModified
		if !got.Equal(at(test.want)) {
			t.Errorf("RFC 9110 §5.6.7: in %d, %q is %v, want the year %d", test.received, value, got, test.want)
		}
	}
}

// TestInvalidDates holds what a date that is none does in each field that has one: what is safe.
func TestInvalidDates(t *testing.T) {
	hour := noon.Add(time.Hour)
	past := noon.Add(-3 * time.Hour)
	broken := func(at time.Time) map[string]string {
		return map[string]string{
			"an hour of one digit": at.Format("Mon, 02 Jan 2006 3:04:05 GMT"),
			"two spaces":           at.Format("Mon, 02 Jan 2006  15:04:05 GMT"),
			"a fraction":           at.Format("Mon, 02 Jan 2006 15:04:05.0 GMT"),
			"words":                "the day after GMT",
			"something behind it":  at.Format("Mon, 02 Jan 2006 15:04:05 GMT") + ", and more",
			"another zone":         at.Format("Mon, 02 Jan 2006 15:04:05 UTC"),
		}
	}
	for name, value := range broken(hour) {
		m, _, _ := rfc9111.Storable(get(t, 200, "Expires: "+value, `ETag: "x"`), &rfc9111.Policy{TTL: time.Minute})
		if m.Lifetime != 0 {
			t.Errorf("RFC 9111 §5.3: Expires with %s is in the past; fresh for %v", name, m.Lifetime)
		}
		v := rfc9111.Validators{LastModified: noon, Date: noon}
		if rfc9111.NotModified(fields(t, "If-Modified-Since: "+value), &v, noon) {
			t.Errorf("RFC 9110 §13.1.3: If-Modified-Since with %s is ignored", name)
		}
	}
	for name, value := range broken(past) {
		m, _, _ := rfc9111.Storable(get(t, 200, "Date: "+value), &rfc9111.Policy{TTL: time.Minute})
		if m.InitialAge != 0 {
			t.Errorf("RFC 9110 §6.6.1: Date with %s is the time of receipt; the response is %v old", name, m.InitialAge)
		}
		modified := get(t, 200, "Last-Modified: "+value)
		if m, _, why := rfc9111.Storable(modified, &rfc9111.Policy{Heuristic: true}); why != rfc9111.RefusedStale {
			t.Errorf("RFC 9111 §4.2.2: Last-Modified with %s says nothing; fresh for %v, refused %q", name, m.Lifetime, why)
		}
		modified = get(t, 200, "Last-Modified: "+value, "Cache-Control: no-cache")
		if _, _, why := rfc9111.Storable(modified, &rfc9111.Policy{}); why != rfc9111.RefusedStale {
			t.Errorf("RFC 9110 §13.1.3: Last-Modified with %s validates nothing; refused %q", name, why)
		}
		v := rfc9111.Validators{LastModified: past, Date: noon}
		if rfc9111.RangeApplies(fields(t, "If-Range: "+value), &v, noon) {
			t.Errorf("RFC 9110 §13.1.5: If-Range with %s matches nothing", name)
		}
	}
}
