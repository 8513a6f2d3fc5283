package dynamodb_test

import (
	"fmt"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
)

// foreign puts items that are no entries into the table of a driver.
func foreign(client *sdk.Client, tableOf func(drivers.Driver) string) map[string]func(t testing.TB, d drivers.Driver, key string) {
	type item = map[string]types.AttributeValue
	put := func(given item) func(t testing.TB, d drivers.Driver, key string) {
		return func(t testing.TB, d drivers.Driver, key string) {
			table, all := tableOf(d), item{"key": &types.AttributeValueMemberS{Value: key}}
			for name, value := range given {
				all[name] = value
			}
			if _, err := client.PutItem(t.Context(), &sdk.PutItemInput{TableName: &table, Item: all}); err != nil {
				t.Fatal(err)
			}
		}
	}
	value := &types.AttributeValueMemberB{Value: []byte("value")}
	later := &types.AttributeValueMemberN{Value: fmt.Sprint(time.Now().Add(time.Hour).Unix())}
	text := &types.AttributeValueMemberS{Value: "text"}
	return map[string]func(t testing.TB, d drivers.Driver, key string){
		"Text":     put(item{"value": text, "expires": later}),
		"NoFields": put(nil),
		"NoExpiry": put(item{"value": value}),
		"Expiry":   put(item{"value": value, "expires": text, "expires_ms": text}),
		"Number":   put(item{"value": value, "expires": &types.AttributeValueMemberN{Value: "1e30"}}),
	}
}
