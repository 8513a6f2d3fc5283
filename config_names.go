package cachette

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-cachette/cachette/internal/mongourl"
)

// What a good value looks like, for messages.
const (
	formTableName    = "a name such as " + defaultTableName
	formDatabaseName = "a name such as " + defaultDatabaseName
	formRegion       = "an AWS region such as eu-central-1"
	formKeyPrefix    = "a text such as " + defaultKeyPrefix
	formService      = "a text of at most 255 bytes, such as shop"
	formVersion      = "a text of at most 255 bytes, such as v1.2.3"
)

// checkLabel checks what names a service or a version.
func checkLabel(text, form string) string {
	const limit = 255 // bytes
	switch {
	case !utf8.ValidString(text):
		return "it is not UTF-8: give " + form
	case len(text) > limit:
		return fmt.Sprintf("it has %d bytes: give %s", len(text), form)
	}
	return ""
}

// checkDynamoDBTable applies AWS's rule for the names of tables.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func checkDynamoDBTable(name string) string {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_-.", r):
		default:
			return fmt.Sprintf("%s has a character that DynamoDB does not allow in a table's name: give letters, digits, _, - and .",
				shown(name))
		}
	}
	if len(name) < 3 || len(name) > 255 {
		return fmt.Sprintf("a table's name in DynamoDB has 3 to 255 characters, and this has %d: give %s", len(name), formTableName)
	}
	return ""
}

// checkMongoDBCollection applies MongoDB's rules for the names of collections, and those of its Python client about
// dots, for a name that only one of two programs takes cannot be shared.
// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
func checkMongoDBCollection(database, name string) string {
	const limit = 255 // bytes, of database.collection
	switch {
	case !utf8.ValidString(name):
		return "a collection's name in MongoDB is UTF-8: give " + formTableName
	case strings.ContainsAny(name, "$\x00"):
		return fmt.Sprintf("%s has a character that MongoDB does not allow in a collection's name ($ or a null): give %s",
			shown(name), formTableName)
	case strings.HasPrefix(name, "system."), strings.Contains(name, ".system."):
		return fmt.Sprintf("%s is a name that MongoDB keeps for itself (system.): give %s", shown(name), formTableName)
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return fmt.Sprintf("%s has a dot with nothing on one of its sides: give %s", shown(name), formTableName)
	case len(database)+1+len(name) > limit:
		return fmt.Sprintf("database and collection together have %d bytes, and MongoDB takes %d: give a shorter name",
			len(database)+1+len(name), limit)
	}
	return ""
}

// checkDatabase checks a database, and that the URL names no other.
func (c Config) checkDatabase(name string) string {
	if problem := checkDatabaseName(name); problem != "" {
		return problem
	}
	if database := mongourl.Database(c.MongoDBURL); database != "" && database != name && checkMongoDBURL(c.MongoDBURL) == "" {
		return fmt.Sprintf("MongoDBURL (%s) names another database: give one of the two; where the user is known is said by "+
			"the option authSource of the URL", variableOf("MongoDBURL"))
	}
	return ""
}

// checkDatabaseName applies MongoDB's rules for the names of databases, those that hold on every platform, and keeps
// out of the databases that are MongoDB's own.
// https://www.mongodb.com/docs/manual/reference/limits/#naming-restrictions
func checkDatabaseName(name string) string {
	if isMongoDBsOwn(name) {
		return fmt.Sprintf("%s is a database that MongoDB keeps for itself: give %s", shown(name), formDatabaseName)
	}
	if problem := checkDatabaseSpelling(name); problem != "" {
		return problem + ": give " + formDatabaseName
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
			shown(name))
	case len(name) > limit:
		return fmt.Sprintf("a database's name in MongoDB has at most %d bytes, and this has %d", limit, len(name))
	}
	return ""
}

// regions are those that AWS lists, of all its partitions.
var regions = strings.Fields(`
	af-south-1
	ap-east-1 ap-east-2
	ap-northeast-1 ap-northeast-2 ap-northeast-3
	ap-south-1 ap-south-2
	ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
	ca-central-1 ca-west-1
	cn-north-1 cn-northwest-1
	eu-central-1 eu-central-2
	eu-isoe-west-1
	eu-north-1
	eu-south-1 eu-south-2
	eu-west-1 eu-west-2 eu-west-3
	eusc-de-east-1
	il-central-1
	me-central-1 me-south-1 me-west-1
	mx-central-1
	sa-east-1 sa-west-1
	us-east-1 us-east-2
	us-gov-east-1 us-gov-west-1
	us-iso-east-1 us-iso-west-1
	us-isob-east-1 us-isob-west-1
	us-isof-east-1 us-isof-south-1
	us-west-1 us-west-2
`)

func checkRegion(name string) string {
	switch {
	case slices.Contains(regions, name):
		return ""
	case slices.Contains(regions, strings.ToLower(name)):
		return fmt.Sprintf("%s is no region, for names are in lower case: give %s", shown(name), strings.ToLower(name))
	}
	return fmt.Sprintf("%s is no region that AWS has: give %s (for one that is newer than this release, make a Driver yourself)",
		shown(name), formRegion)
}
