package address

import (
	"testing"
	"time"
)

func TestForms(t *testing.T) {
	for name, row := range map[string]struct {
		form      Form
		good, bad []string
	}{
		"Text":        {Text, []string{"a", " "}, []string{""}},
		"Flag":        {Flag, []string{"true", "1", "false", "0"}, []string{"", "yes", "TRUE", "2"}},
		"Count":       {Count, []string{"0", "2147483647"}, []string{"", "-1", "+1", "2147483648", "1.5", "9223372036854775808", "a"}},
		"Connections": {Connections, []string{"1", "65535"}, []string{"", "0", "-1", "65536"}},
		"Timeout":     {Timeout, []string{"1", "1ms", "2h"}, []string{"", "0", "-1", "0s", "-2s", "1us"}},
		"Number":      {Number(-1, 3), []string{"-1", "0", "3"}, []string{"-2", "4", "-0", "--1", "-"}},
		"Duration":    {Duration(func(d time.Duration) bool { return d > 0 }), []string{"1", "500ms", "2h"}, []string{"", "0", "-1", "-1s", "1x", "+1", "9223372037"}},
	} {
		for _, value := range row.good {
			if !row.form.Good(value) {
				t.Errorf("%s: %q is not good", name, value)
			}
		}
		for _, value := range row.bad {
			if row.form.Good(value) {
				t.Errorf("%s: %q is good", name, value)
			}
		}
	}
	if span, _ := Span("2"); span != 2*time.Second {
		t.Errorf("2 is %v, want seconds", span)
	}
}
