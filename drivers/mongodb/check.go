package mongodb

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/internal/wording"
)

// What a good value looks like, for messages.
const (
	formCollection = "a name such as " + DefaultCollection
	formDatabase   = "a name such as " + DefaultDatabase
	formURL        = "mongodb://user:password@host:port/database, or mongodb+srv://user:password@host/database"
)

// schemes are those of a URL.
var schemes = []string{"mongodb", "mongodb+srv"}

// place returns where the settings say that the servers are.
func place(settings drivers.Settings) address.Place {
	return address.PlaceIn(settings.URL, "MongoDBURL", "CACHETTE_MONGODB_URL", settings.MongoDBURL)
}

// check returns what is wrong with the settings.
func check(settings drivers.Settings) []drivers.Problem {
	var problems []drivers.Problem
	add := func(setting, problem string) {
		if problem != "" {
			problems = append(problems, drivers.Problem{Setting: setting, Text: problem})
		}
	}
	at := place(settings)
	raw := at.Raw
	add(at.Setting, at.Problem("mongodb", formURL, checkURL))
	if settings.DatabaseName != "" {
		add("DatabaseName", checkDatabase(settings))
	}
	if settings.TableName != "" {
		database := cmp.Or(settings.DatabaseName, databaseIn(raw), DefaultDatabase)
		add("TableName", checkCollection(database, settings.TableName))
	}
	return problems
}

// checkCollection applies MongoDB's rules for the names of collections, and those of its Python client about
// dots, for a name that only one of two programs takes cannot be shared.
// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
func checkCollection(database, name string) string {
	const limit = 255 // bytes, of database.collection
	switch {
	case !utf8.ValidString(name):
		return "a collection's name in MongoDB is UTF-8: give " + formCollection
	case strings.ContainsAny(name, "$\x00"):
		return fmt.Sprintf("%s has a character that MongoDB does not allow in a collection's name ($ or a null): give %s",
			wording.Shown(name), formCollection)
	case strings.HasPrefix(name, "system."), strings.Contains(name, ".system."):
		return fmt.Sprintf("%s is a name that MongoDB keeps for itself (system.): give %s", wording.Shown(name), formCollection)
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return fmt.Sprintf("%s has a dot with nothing on one of its sides: give %s", wording.Shown(name), formCollection)
	case len(database)+1+len(name) > limit:
		return fmt.Sprintf("database and collection together have %d bytes, and MongoDB takes %d: give a shorter name",
			len(database)+1+len(name), limit)
	}
	return ""
}

// checkDatabase checks a database, and that the URL names no other. Of two it shows neither: what a URL has in the place of one
// may be a part of a password.
func checkDatabase(settings drivers.Settings) string {
	if problem := checkDatabaseName(settings.DatabaseName); problem != "" {
		return problem
	}
	raw := place(settings).Raw
	if database := databaseIn(raw); database != "" && database != settings.DatabaseName && checkURL(raw) == "" {
		return fmt.Sprintf("%s names another database: give one of the two; where the user is known is said by "+
			"the option authSource of the URL", place(settings).Named)
	}
	return ""
}

// checkDatabaseName applies MongoDB's rules for the names of databases, those that hold on every platform, and keeps
// out of the databases that are MongoDB's own.
// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
func checkDatabaseName(name string) string {
	if isMongoDBsOwn(name) {
		return fmt.Sprintf("%s is a database that MongoDB keeps for itself: give %s", wording.Shown(name), formDatabase)
	}
	if problem := checkDatabaseSpelling(name); problem != "" {
		return problem + ": give " + formDatabase
	}
	return ""
}

func isMongoDBsOwn(database string) bool {
	return slices.Contains([]string{"admin", "config", "local"}, strings.ToLower(database))
}

func checkDatabaseSpelling(name string) string {
	const limit = 63 // bytes
	switch {
	case !utf8.ValidString(name):
		return "a database's name in MongoDB is UTF-8"
	case strings.ContainsAny(name, "/\\. \"$\x00"):
		return fmt.Sprintf(`%s has a character that MongoDB does not allow in a database's name (one of / \ . " $, a space or a null)`,
			wording.Shown(name))
	case len(name) > limit:
		return fmt.Sprintf("a database's name in MongoDB has at most %d bytes, and this has %d", limit, len(name))
	}
	return ""
}

// checkURL follows the specification of MongoDB's connection strings, which are no URLs where they name several
// hosts. What the client's options may be is left to it.
// https://www.mongodb.com/docs/manual/reference/connection-string/
func checkURL(raw string) string {
	if problem := address.Scheme(raw, formURL, schemes...); problem != "" {
		return problem
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	malformed := func(what string) string { return what + ": give " + formURL + "; " + address.HintEscape }

	if userinfo, after, found := strings.Cut(rest, "@"); found {
		user, password, _ := strings.Cut(userinfo, ":")
		if strings.ContainsAny(user, "/?#") || strings.ContainsAny(password, "/?#:") || strings.Contains(after, "@") {
			return malformed("the user name and password cannot be told from the rest")
		}
		if !address.IsEscaped(user) || !address.IsEscaped(password) {
			return malformed("the user name or password has a % that begins no escape")
		}
		if user == "" {
			return malformed("the user name is missing")
		}
		rest = after
	}

	hosts := rest
	if end := strings.IndexAny(rest, "/?"); end >= 0 {
		hosts, rest = rest[:end], rest[end:]
	} else {
		rest = ""
	}
	if problem := checkHosts(scheme, hosts); problem != "" {
		return malformed(problem)
	}

	if strings.HasPrefix(rest, "?") {
		return "a / has to stand before the ?: give " + formURL
	}
	path, query, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "?")
	database, err := url.QueryUnescape(path)
	if err != nil || checkDatabaseSpelling(database) != "" {
		return "what follows the host is not the name of a database: give " + formURL
	}
	if isMongoDBsOwn(databaseIn(raw)) {
		return "the database that it names is one that MongoDB keeps for itself: give another or none; where the user is " +
			"known is said by the option authSource"
	}
	if !address.HaveValues(query, "&;") || !address.IsEscaped(query) {
		return "what follows the ? are not options of the form name=value: give " + formURL
	}
	options, problem := parseQuery(query)
	if problem == "" {
		_, problem = options.secure(scheme == "mongodb+srv")
	}
	return problem
}

func checkHosts(scheme, hosts string) string {
	all := strings.Split(hosts, ",")
	if problem := address.Separated(all); problem != "" {
		return problem
	}
	for i, host := range all {
		if socket, err := url.PathUnescape(host); err == nil && strings.HasPrefix(socket, "/") && strings.HasSuffix(socket, ".sock") {
			continue // a Unix domain socket, percent-encoded
		}
		if problem := address.Host(host); problem != "" {
			return address.Ordinal(i, len(all)) + problem
		}
	}
	if scheme == "mongodb+srv" && (len(all) > 1 || strings.Contains(hosts, ":")) {
		return "mongodb+srv takes one host, without a port"
	}
	return ""
}
