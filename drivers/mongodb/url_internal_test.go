package mongodb

import "testing"

func TestDatabaseIn(t *testing.T) {
	for raw, want := range map[string]string{
		"mongodb://host":                            "",
		"mongodb://host/":                           "",
		"mongodb://host/?replicaSet=a/b":            "",
		"mongodb://host/app":                        "app",
		"mongodb://host/app?authSource=users":       "app",
		"mongodb://host/my%2Dapp":                   "my-app",
		"mongodb://a:1,b:2/app":                     "app",
		"mongodb://user:p%40%2Fss@host/app":         "app",
		"mongodb+srv://user:password@a.example/app": "app",
		"mongodb://%2Ftmp%2Fmongodb-27017.sock/app": "app",
		"mongodb://user:password@host/admin":        "", // where the user is known
		"mongodb://user:password@host/Admin?w=1":    "",
		"mongodb://host/admin":                      "admin", // which is a mistake
		"mongodb://user:password@host/local":        "local",
		"mongodb://host/%zz":                        "",
		"http://host/app":                           "",
		"host/app":                                  "",
		"":                                          "",
	} {
		if got := databaseIn(raw); got != want {
			t.Errorf("%s: got %q, want %q", raw, got, want)
		}
	}
}
