package dynamodb

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/address"
	"github.com/gin-cachette/cachette/internal/wording"
)

// What a good value looks like, for messages.
const (
	formTable    = "a name such as " + DefaultTable
	formRegion   = "an AWS region such as eu-central-1"
	formEndpoint = "http://host:port or https://host:port"
	formURL      = "dynamodb://region/table, with ?endpoint=http://host:port behind it for a server that AWS does not run"
)

// scheme is that of a URL that says all there is to say.
const scheme = "dynamodb"

// check returns what is wrong with the settings.
func check(settings drivers.Settings) []drivers.Problem {
	if settings.URL != "" {
		return checkURL(settings)
	}
	var problems []drivers.Problem
	add := func(setting, problem string) {
		if problem != "" {
			problems = append(problems, drivers.Problem{Setting: setting, Text: problem})
		}
	}
	switch {
	case settings.Region != "":
		add("Region", checkRegion(settings.Region))
	case settings.DynamoDBURL == "":
		add("Region", "backend dynamodb requires it unless DynamoDBURL (CACHETTE_DYNAMODB_URL) is set: give "+formRegion)
	}
	if settings.TableName != "" {
		add("TableName", checkTable(settings.TableName))
	}
	if settings.DynamoDBURL != "" {
		add("DynamoDBURL", checkEndpointURL(settings.DynamoDBURL))
	}
	return problems
}

// checkURL checks the URL that says all, and that no other setting says it, too.
func checkURL(settings drivers.Settings) []drivers.Problem {
	given, problem := fromURL(settings)
	if problem != "" {
		return []drivers.Problem{{Setting: "URL", Text: problem}}
	}
	if problem = checkRegion(given.Region); problem == "" && given.TableName != "" {
		problem = checkTable(given.TableName)
	}
	if problem == "" && given.DynamoDBURL != "" {
		problem = checkEndpointURL(given.DynamoDBURL)
	}
	var problems []drivers.Problem
	if problem != "" {
		problems = append(problems, drivers.Problem{Setting: "URL", Text: problem})
	}
	const twice = "URL (CACHETTE_URL) names it, too: give one of the two"
	if settings.Region != "" {
		problems = append(problems, drivers.Problem{Setting: "Region", Text: twice})
	}
	if settings.TableName != "" && given.TableName != "" {
		problems = append(problems, drivers.Problem{Setting: "TableName", Text: twice})
	}
	return problems
}

// checkTable applies AWS's rule for the names of tables.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
func checkTable(name string) string {
	for _, r := range name {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("_-.", r):
		default:
			return fmt.Sprintf("%s has a character that DynamoDB does not allow in a table's name: give letters, digits, _, - and .",
				wording.Shown(name))
		}
	}
	if len(name) < 3 || len(name) > 255 {
		return fmt.Sprintf("a table's name in DynamoDB has 3 to 255 characters, and this has %d: give %s", len(name), formTable)
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
		return fmt.Sprintf("%s is no region, for names are in lower case: give %s", wording.Shown(name), strings.ToLower(name))
	}
	return fmt.Sprintf("%s is no region that AWS has: give %s (for one that is newer than this release, make a Driver yourself)",
		wording.Shown(name), formRegion)
}

func checkEndpointURL(raw string) string {
	if problem := address.Scheme(raw, formEndpoint, "http", "https"); problem != "" {
		return problem
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "it cannot be read as a URL: give " + formEndpoint
	case u.User != nil, strings.Contains(u.Path, "@"):
		return "DynamoDB takes no user and password in its URL: give " + formEndpoint +
			", and the credentials in the way of the AWS SDK (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
	case u.RawQuery != "", u.ForceQuery, u.Fragment != "":
		return "nothing may follow a ? or a #: give " + formEndpoint
	}
	if problem := address.Host(u.Host); problem != "" {
		return problem + ": give " + formEndpoint
	}
	return ""
}
