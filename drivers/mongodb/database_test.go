package mongodb_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/gin-gonic/gin"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/mongodb"
)

// databases are those that commands of a name were sent to.
type databases struct {
	mu  sync.Mutex
	all []string
}

func (d *databases) note(command bson.Raw) bson.D {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, command.Lookup("$db").StringValue())
	return nil
}

func (d *databases) are() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.all, " ")
}

// The database is the one of the setting, or else of the URL, for a driver that is opened by its name and for a cache.
func TestDatabase(t *testing.T) {
	for _, row := range []struct{ name, path, setting, want string }{
		{"Neither", "", "", "fastapi-cachette-database"},
		{"Slash", "/?appName=a", "", "fastapi-cachette-database"},
		{"Setting", "/", "cache", "cache"},
		{"URL", "/app?appName=a", "", "app"},
		{"Both", "/app", "app", "app"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var found databases
			url := "mongodb://" + newFake(t, onCommand("find", found.note)) + row.path
			d, err := open(t, t.Context(), drivers.Settings{
				MongoDBURL: url, DatabaseName: row.setting, TableName: "c", Logger: (&journal{}).logger(),
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := d.Get(t.Context(), "k"); err != drivers.ErrMiss {
				t.Fatal(err)
			}
			cache, err := cachette.Install(gin.New(), func() (cachette.Config, error) {
				return cachette.Config{Backend: "mongodb", MongoDBURL: url, DatabaseName: row.setting}, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			defer cache.Close()
			if err := cache.Fetch(t.Context(), "k", new(string)); err != cachette.ErrMiss {
				t.Fatal(err)
			}
			if want := row.want + " " + row.want; found.are() != want {
				t.Errorf("entries are looked for in %s, want %s", found.are(), want)
			}
		})
	}
}

// Two databases are an error that names both settings, and neither database: what stands there may be a part of a password.
func TestTwoDatabases(t *testing.T) {
	_, err := open(t, t.Context(), drivers.Settings{
		MongoDBURL: "mongodb://" + newFake(t, onCommand("", nil)) + "/" + password, DatabaseName: "cache", Logger: (&journal{}).logger(),
	})
	if err == nil || !strings.Contains(err.Error(), "MongoDBURL (CACHETTE_MONGODB_URL)") ||
		!strings.Contains(err.Error(), "DatabaseName (CACHETTE_DATABASE_NAME)") || strings.Contains(err.Error(), password) {
		t.Errorf("got %v", err)
	}
}

// A user is known in the database of the URL, unless its option authSource says another: what MongoDB's client makes of the
// URL is left alone.
func TestDatabaseOfTheUser(t *testing.T) {
	for _, row := range []struct{ name, path, setting, want string }{
		{"None", "/", "", "admin"},
		{"URL", "/app", "", "app"},
		{"URLAndSetting", "/app", "app", "app"},
		{"AuthSource", "/app?authSource=users", "", "users"},
		{"AuthSourceAndSetting", "/?authSource=users", "cache", "users"},
		{"Admin", "/admin", "cache", "admin"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // a client waits before it gives up
			var asked databases
			refuse := onCommand("saslStart", func(command bson.Raw) bson.D {
				asked.note(command)
				return failure(18, "AuthenticationFailed")
			})
			_, err := open(t, t.Context(), drivers.Settings{
				MongoDBURL:   "mongodb://user:" + password + "@" + newFake(t, refuse) + row.path,
				DatabaseName: row.setting, Logger: (&journal{}).logger(),
			})
			if err == nil || !strings.Contains(err.Error(), "the user or the password") {
				t.Errorf("got %v", err)
			}
			first, _, _ := strings.Cut(asked.are(), " ")
			if first != row.want {
				t.Errorf("the user was looked for in %s, want %s", first, row.want)
			}
		})
	}
}

// MongoDB's own parser finds the same database in a URL.
func TestDatabaseAsTheClientFindsIt(t *testing.T) {
	for _, raw := range []string{
		"mongodb://host", "mongodb://host/", "mongodb://host/app", "mongodb://host/app?replicaSet=a", "mongodb://host/?replicaSet=a/b",
		"mongodb://a:1,b:2,[::1]:3/app", "mongodb://user:p%40%2Fss@host/app?authSource=users", "mongodb://user@host/my%2Dapp",
		"mongodb://%2Ftmp%2Fmongodb-27017.sock/app", "mongodb://host/a+b",
		"mongodb://user:password@host/app?appName=a@b",
	} {
		parsed, err := connstring.Parse(raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if got := mongodb.DatabaseIn(raw); got != parsed.Database {
			t.Errorf("%s: got %q, and the client finds %q", raw, got, parsed.Database)
		}
	}
}
