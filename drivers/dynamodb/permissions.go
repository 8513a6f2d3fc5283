package dynamodb

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// permissionTimeout bounds asking for the permissions: a server that has just answered, and now does not, is not waited for.
const permissionTimeout = time.Second

// A permission is one that the driver needs on its table. ask makes use of it without an effect: of an item that is never there.
type permission struct {
	action   string
	optional string // what is an error without it; "" where nothing works
	ask      func(d *Driver, ctx context.Context) error
}

var permissions = []permission{
	{"GetItem", "", (*Driver).probe},
	{"BatchGetItem", "", func(d *Driver, ctx context.Context) error {
		_, err := d.readSome(ctx, types.KeysAndAttributes{Keys: []attributes{{attrKey: text(absentKey)}}}, func(attributes) {}, single)
		return err
	}},
	{"PutItem", "", func(d *Driver, ctx context.Context) error {
		_, err := d.client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: d.table, Item: attributes{attrKey: text(absentKey)},
			ConditionExpression: &isThere, ExpressionAttributeNames: keyName,
		}, single)
		return err
	}},
	{"UpdateItem", "", func(d *Driver, ctx context.Context) error {
		update := "REMOVE #e"
		_, err := d.client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
			TableName: d.table, Key: attributes{attrKey: text(absentKey)}, UpdateExpression: &update,
			ConditionExpression: &isThere, ExpressionAttributeNames: map[string]string{"#k": attrKey, "#e": attrExpires},
		}, single)
		return err
	}},
	{"DeleteItem", "", func(d *Driver, ctx context.Context) error {
		_, err := d.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{
			TableName: d.table, Key: attributes{attrKey: text(absentKey)},
			ConditionExpression: &isThere, ExpressionAttributeNames: keyName,
		}, single)
		return err
	}},
	{"BatchWriteItem", "", func(d *Driver, ctx context.Context) error {
		_, err := d.client.BatchWriteItem(ctx, &dynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{
			*d.table: {{DeleteRequest: &types.DeleteRequest{Key: attributes{attrKey: text(absentKey)}}}},
		}}, single)
		return err
	}},
	{"Scan", "Flush, ClearNamespace and FlushExpired", func(d *Driver, ctx context.Context) error {
		one, key := int32(1), "#k"
		_, err := d.client.Scan(ctx, &dynamodb.ScanInput{
			TableName: d.table, Limit: &one, ProjectionExpression: &key, ExpressionAttributeNames: keyName,
		}, single)
		return err
	}},
}

// isThere is a condition that an item which is never there does not meet.
var isThere = "attribute_exists(#k)"

var keyName = map[string]string{"#k": attrKey}

// checkPermissions asks for all permissions at the same time, and returns a refusal that names those which are missing. Of those that a
// cache works without, it says so in the log. A server that does not answer now, or is too busy, is asked no more.
func (d *Driver) checkPermissions(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, permissionTimeout)
	defer cancel()
	refused := make([]error, len(permissions))
	var asking sync.WaitGroup
	for i, permission := range permissions {
		asking.Go(func() { refused[i] = permission.ask(d, ctx) })
	}
	asking.Wait()
	var missing []string
	var first error
	for i, permission := range permissions {
		switch name := "dynamodb:" + permission.action; {
		case !isDenied(refused[i]):
		case permission.optional != "":
			d.logger.Warn("cachette: dynamodb: a permission is missing: "+permission.optional+" are errors without it",
				"permission", name, "table", *d.table, "error", brief{refused[i]}.Error())
		default:
			missing = append(missing, name)
			if first == nil {
				first = refused[i]
			}
		}
	}
	if missing == nil {
		return nil
	}
	return refusal{fmt.Sprintf("permissions on the table %s are missing: allow %s", *d.table, strings.Join(missing, ", ")), first}
}
