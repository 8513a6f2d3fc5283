package dynamodb_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// BenchmarkGet compares a driver's Get with the client's own GetItem and a look at the attributes, both by 64 goroutines
// for values of 1 KB. They take turns, so that both meet the same server. ratio is the driver's speed by the client's.
func BenchmarkGet(b *testing.B) {
	d, st := freshDriver(b)
	ctx := context.Background()
	if err := d.Set(ctx, "key", []byte(strings.Repeat("v", 1024)), time.Hour); err != nil {
		b.Fatal(err)
	}
	driver := func() bool {
		got, err := d.Get(ctx, "key")
		return err == nil && len(got.Value) == 1024
	}
	client := func() bool {
		out, err := st.client.GetItem(ctx, &sdk.GetItemInput{
			TableName: &st.table, Key: item{"key": s("key")}, ConsistentRead: aws.Bool(true),
		})
		if err != nil {
			return false
		}
		value, ok := out.Item["value"].(*types.AttributeValueMemberB)
		expires, known := out.Item["expires"].(*types.AttributeValueMemberN)
		return ok && known && len(value.Value) == 1024 && expires.Value != ""
	}
	const turn = 256 // requests
	var byDriver, byClient time.Duration
	for i := 0; b.Loop(); i++ {
		if i%2 == 0 {
			byDriver += together(b, turn, driver)
			byClient += together(b, turn, client)
		} else {
			byClient += together(b, turn, client)
			byDriver += together(b, turn, driver)
		}
	}
	b.ReportMetric(byClient.Seconds()/byDriver.Seconds(), "ratio")
	b.ReportMetric(float64(b.N*turn)/byDriver.Seconds(), "gets/s")
	b.ReportMetric(0, "ns/op")
}

// together has 64 goroutines do n requests, and returns how long it took.
func together(b *testing.B, n int64, do func() bool) time.Duration {
	begun := time.Now()
	var left atomic.Int64
	left.Store(n)
	var running sync.WaitGroup
	for range 64 {
		running.Go(func() {
			for left.Add(-1) >= 0 {
				if !do() {
					b.Error("a request failed")
					return
				}
			}
		})
	}
	running.Wait()
	return time.Since(begun)
}
