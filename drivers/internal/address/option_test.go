package address

import "testing"

func TestUnknown(t *testing.T) {
	known := []string{"tls_ca_file", "pool_size", "maxPoolSize"}
	const all = "give any of maxPoolSize, pool_size, tls_ca_file"
	for name, want := range map[string]string{
		"tls_ca_flie": `it has no option "tls_ca_flie": did you mean tls_ca_file?`,
		"tlsCaFile":   `it has no option "tlsCaFile": did you mean tls_ca_file?`,
		"poolsize":    `it has no option "poolsize": did you mean pool_size?`,
		"MaxPoolSiz":  `it has no option "MaxPoolSiz": did you mean maxPoolSize?`,
		"retries":     `it has no option "retries": ` + all,
		"hunter2":     "it has no option of a name that is not shown, for it may hold a password: " + all,
		"":            "it has no option of a name that is not shown, for it may hold a password: " + all,
	} {
		if got := Unknown(name, known); got != want {
			t.Errorf("%q: got\n%s, want\n%s", name, got, want)
		}
	}
}
