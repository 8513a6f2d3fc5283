package dynamodb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/marked"
)

const (
	// tableTimeout bounds one request of those that prepare the table: a server that does not answer in time is not there, and the start of a
	// program does not wait for it longer than on other backends.
	tableTimeout = 2 * time.Second

	// callTimeout bounds one request of a removal, and asking for credentials.
	callTimeout = 5 * time.Second

	// prepareTimeout bounds them all. AWS takes some ten seconds to create a table.
	prepareTimeout = time.Minute

	// retryAfter is how long operations are told of the last failure before the table is tried again.
	retryAfter = time.Second
)

// readiness is what is known of a table that is ready.
type readiness struct {
	reaped bool // DynamoDB removes what has expired
}

// begin returns what is known of the table, once it is ready, or the reason why an operation must not go on.
func (d *Driver) begin(ctx context.Context, what string) (*readiness, error) {
	if d.closed.Load() {
		return nil, drivers.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("dynamodb: %s: %w", what, err)
	}
	if ready := d.prepared.Ready(); ready != nil {
		return ready, nil
	}
	ready, err := d.await(ctx)
	if err != nil {
		return nil, d.fail(ctx, nil, what, err)
	}
	return ready, nil
}

// await waits until the table is ready.
func (d *Driver) await(ctx context.Context) (*readiness, error) {
	ready, err := d.prepared.Get(ctx)
	if err != nil && err == ctx.Err() {
		return nil, fmt.Errorf("the table %s is not ready yet: %w", *d.table, err)
	}
	return ready, err
}

// A tableState is what has to be known of a table before it is used.
type tableState int

const (
	absent   tableState = iota
	changing            // being created, or deleted
	active
)

// prepare creates the table if it is absent, and waits until it is ready.
func (d *Driver) prepare(ctx context.Context) (*readiness, error) {
	pause := 10 * time.Millisecond
	for {
		state, err := d.look(ctx)
		if err != nil {
			return nil, err
		}
		if state == active {
			break
		}
		if state == absent {
			if err := d.create(ctx); err != nil {
				return nil, err
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return nil, fmt.Errorf("the table %s is not active yet: %w", *d.table, err)
		}
		pause = min(pause*2, time.Second)
	}
	reaped, err := d.reaps(ctx)
	if err != nil {
		return nil, err
	}
	return &readiness{reaped: reaped}, nil
}

// look tells the state of the table. One that cannot be used is an error.
func (d *Driver) look(ctx context.Context) (tableState, error) {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: d.table})
	switch {
	case codeOf(err) == codeNotFound:
		return absent, nil
	case isDenied(err):
		return d.lookInside(ctx, err)
	case err != nil:
		return absent, fmt.Errorf("describe the table %s: %w", *d.table, err)
	case out.Table == nil:
		return absent, refusal{text: "the server says nothing about the table " + *d.table + ": it is no DynamoDB"}
	}
	switch out.Table.TableStatus {
	case types.TableStatusCreating, types.TableStatusDeleting:
		return changing, nil
	}
	return active, d.checkSchema(out.Table)
}

// lookInside tells the state of a table that the program may use and not describe. denied says that it may not.
func (d *Driver) lookInside(ctx context.Context, denied error) (tableState, error) {
	err := d.probe(ctx)
	switch {
	case err == nil:
		return active, nil
	case codeOf(err) == codeNotFound:
		return absent, nil
	case codeOf(err) == codeValidation:
		return absent, d.wrongSchema("another key", err)
	case isDenied(err):
		return absent, refusal{"the table " + *d.table + " may neither be described nor read: allow dynamodb:DescribeTable or " +
			"dynamodb:GetItem, and the other operations that the driver wants", denied}
	}
	return absent, fmt.Errorf("read the table %s: %w", *d.table, err)
}

func (d *Driver) checkSchema(table *types.TableDescription) error {
	kinds := make(map[string]types.ScalarAttributeType)
	for _, attribute := range table.AttributeDefinitions {
		if attribute.AttributeName != nil {
			kinds[*attribute.AttributeName] = attribute.AttributeType
		}
	}
	var schema []string
	right := len(table.KeySchema) == 1
	for _, element := range table.KeySchema {
		if element.AttributeName == nil {
			continue
		}
		name, kind := *element.AttributeName, kinds[*element.AttributeName]
		schema = append(schema, fmt.Sprintf("the %s key %q of type %s", strings.ToLower(string(element.KeyType)), name, kind))
		right = right && element.KeyType == types.KeyTypeHash && name == attrKey && kind == types.ScalarAttributeTypeS
	}
	if !right {
		return d.wrongSchema(strings.Join(schema, " and "), nil)
	}
	return nil
}

func (d *Driver) wrongSchema(schema string, err error) error {
	return refusal{fmt.Sprintf("TableName (CACHETTE_TABLE_NAME): the table %s has %s, and a cache's has the hash key %q of type S "+
		"and no range key: give the name of such a table, or of one that is still to be created", *d.table, schema, attrKey), err}
}

// create asks for the table. That another has just done so is no error.
func (d *Driver) create(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	name := attrKey
	_, err := d.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:            d.table,
		BillingMode:          types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{{AttributeName: &name, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema:            []types.KeySchemaElement{{AttributeName: &name, KeyType: types.KeyTypeHash}},
	})
	switch {
	case err == nil, codeOf(err) == codeInUse:
		return nil
	case isDenied(err):
		return refusal{fmt.Sprintf("TableName (CACHETTE_TABLE_NAME): the table %s does not exist and may not be created: allow "+
			"dynamodb:CreateTable, or create a table with the hash key %q of type S and no range key", *d.table, attrKey), err}
	}
	return fmt.Errorf("create the table %s: %w", *d.table, err)
}

// reaps has DynamoDB remove what has expired, and reports whether it does. That it cannot is worth a line in the log.
func (d *Driver) reaps(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, tableTimeout)
	defer cancel()
	out, err := d.client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: d.table})
	if err != nil && codeOf(err) == "" {
		return false, fmt.Errorf("describe the time to live of the table %s: %w", *d.table, err)
	}
	if err == nil && out.TimeToLiveDescription != nil && out.TimeToLiveDescription.AttributeName != nil {
		description := out.TimeToLiveDescription
		on := *description.AttributeName == attrExpires
		switch description.TimeToLiveStatus {
		case types.TimeToLiveStatusEnabled, types.TimeToLiveStatusEnabling:
			if !on && !d.leaveTTL {
				d.warnOnce("it removes items by the attribute " + *description.AttributeName)
			}
			return on, nil
		}
	}
	if d.leaveTTL {
		return false, nil
	}
	name, enabled := attrExpires, true
	_, err = d.client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName:               d.table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: &name, Enabled: &enabled},
	})
	switch {
	case err == nil, codeOf(err) == codeValidation && strings.Contains(err.Error(), "already enabled"):
		return true, nil
	case codeOf(err) == "":
		return false, fmt.Errorf("set the time to live of the table %s: %w", *d.table, err)
	}
	d.warnOnce(brief{err}.Error())
	return false, nil
}

// warnOnce says that what has expired stays in the table.
func (d *Driver) warnOnce(reason string) {
	if d.warned.CompareAndSwap(false, true) {
		d.logger.Warn("cachette: dynamodb: the server does not remove expired items by the attribute "+attrExpires+
			": FlushExpired has to", "table", *d.table, "reason", reason)
	}
}

// sleep returns an error if ctx ends before pause is over.
func sleep(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Entries implements [drivers.Counted], by the number that DynamoDB counts itself, every six hours or so. It reads no item, and needs
// the permission dynamodb:DescribeTable.
func (d *Driver) Entries(ctx context.Context) (int64, error) {
	const what = "entries"
	ready, err := d.begin(ctx, what)
	if err != nil {
		return 0, err
	}
	out, err := d.client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: d.table})
	if err != nil {
		return 0, d.fail(ctx, ready, what, marked.If(isDenied(err), errors.ErrUnsupported, err))
	}
	if out.Table == nil || out.Table.ItemCount == nil {
		return 0, nil
	}
	return *out.Table.ItemCount, nil
}
