// Package otel gives what a cache counts to OpenTelemetry, and tells of each request on its span:
//
//	observer, err := otel.NewObserver(meterProvider)
//	cache, err := cachette.Install(engine, func() (cachette.Config, error) {
//		return cachette.Config{Observer: observer}, nil
//	})
//	registration, err := observer.Register(cache)
//
// It needs the API of OpenTelemetry alone. docs/metrics.md has the names of instruments and attributes.
package otel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/metrics/internal/figures"
)

// scope is the name of the instrumentation.
const scope = "github.com/gin-cachette/cachette/metrics/otel"

// Option is an option of [NewObserver].
type Option func(*Observer)

// WithAttributes gives all that is measured attributes, by which several caches of a process are told apart. Spans do not have them.
func WithAttributes(attributes ...attribute.KeyValue) Option {
	return func(o *Observer) { o.attributes = append(o.attributes, attributes...) }
}

// WithMostRoutes says of how many routes measurements are told apart; it is 200 otherwise. The routes that come first have an attribute of their
// own, for as long as the observer lives; all others share the route "other". It panics where most is negative.
func WithMostRoutes(most int) Option {
	if most < 0 {
		panic(fmt.Errorf("%w: otel: WithMostRoutes(%d) is negative; give 0, to tell none apart, or more", cachette.ErrInvalid, most))
	}
	return func(o *Observer) { o.routes = figures.NewRoutes(most) }
}

// WithStoreSpans makes a span of each operation on the store for which a request waits, beneath that of the request. Most clients of stores
// can be instrumented to do so themselves, and know more.
func WithStoreSpans(provider trace.TracerProvider) Option {
	if provider == nil {
		panic(fmt.Errorf("%w: otel: WithStoreSpans: the provider is nil; give the one that the program's other spans come from", cachette.ErrInvalid))
	}
	return func(o *Observer) { o.tracer = provider.Tracer(scope) }
}

// Observer is a [cachette.Observer] of one cache: it measures how long handlers and the store take, and puts attributes on the spans of
// requests. What else the cache counts is read from it once [Observer.Register] was called.
type Observer struct {
	meter      metric.Meter
	tracer     trace.Tracer // nil without spans of operations
	attributes []attribute.KeyValue
	routes     *figures.Routes
	all        []figures.Figure

	fills, operations metric.Float64Histogram
	ofRoute, ofKind   sync.Map // metric.MeasurementOption, by the label

	mu         sync.Mutex
	registered bool
}

var _ cachette.Observer = (*Observer)(nil)

// NewObserver returns an observer that measures by instruments of the provider. Its error is that of the provider. It panics where the provider
// or an option is nil.
func NewObserver(provider metric.MeterProvider, options ...Option) (*Observer, error) {
	if provider == nil {
		panic(fmt.Errorf("%w: otel: NewObserver: the provider is nil; give the one that the program's other instruments come from", cachette.ErrInvalid))
	}
	o := &Observer{meter: provider.Meter(scope), routes: figures.NewRoutes(figures.MostRoutes), all: figures.All()}
	for _, option := range options {
		if option == nil {
			panic(fmt.Errorf("%w: otel: NewObserver: an option is nil; give one that a function such as WithAttributes has made", cachette.ErrInvalid))
		}
		option(o)
	}
	var failed []error
	for _, f := range o.all {
		if f.Kind != figures.Histogram {
			continue
		}
		histogram, err := o.meter.Float64Histogram(f.OTel(), metric.WithUnit(f.Unit), metric.WithDescription(f.Help),
			metric.WithExplicitBucketBoundaries(figures.Bounds()...))
		failed = append(failed, err)
		if f.Labels[0] == routeKey {
			o.fills = histogram
		} else {
			o.operations = histogram
		}
	}
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("otel: the provider makes no histogram: %w", err)
	}
	return o, nil
}

const (
	routeKey     = "route"
	operationKey = "operation"
)

// with returns the attributes of what is measured for one value of a key: made once, since there are few.
func (o *Observer) with(made *sync.Map, key, value string) metric.MeasurementOption {
	if option, ok := made.Load(value); ok {
		return option.(metric.MeasurementOption)
	}
	option, _ := made.LoadOrStore(value, metric.WithAttributeSet(o.set([]string{key}, []string{value})))
	return option.(metric.MeasurementOption)
}

// set returns a set of attributes, those that all have included.
func (o *Observer) set(keys, values []string) attribute.Set {
	all := append(make([]attribute.KeyValue, 0, len(o.attributes)+len(keys)), o.attributes...)
	for i, key := range keys {
		all = append(all, attribute.String(key, values[i]))
	}
	return attribute.NewSet(all...)
}

// OnRequest implements [cachette.Observer].
func (o *Observer) OnRequest(ctx context.Context, e cachette.RequestEvent) {
	switch e.Outcome {
	case "miss", "validated", "stale-on-error": // the handler ran, for what might be stored
		o.fills.Record(ctx, e.Took.Seconds(), o.with(&o.ofRoute, routeKey, o.routes.Label(e.Route)))
	}
	if e.Background {
		return // its context may be that of the request which has set it off
	}
	if span := trace.SpanFromContext(ctx); span.IsRecording() {
		switch {
		case e.Outcome == "hit" && e.Near:
			span.SetAttributes(ofNearHit...)
		case e.Outcome == "hit":
			span.SetAttributes(ofHit...)
		default:
			span.SetAttributes(requestAttributes(e.Outcome, e.Forward, e.Reason, e.Near)...)
		}
	}
}

// requestAttributes returns all of them, empty ones too: a page that the handler asked for on the way may have set them on the same span.
func requestAttributes(outcome, forward, reason string, near bool) []attribute.KeyValue {
	return []attribute.KeyValue{
		attribute.String("cachette.outcome", outcome), attribute.String("cachette.forward", forward),
		attribute.String("cachette.reason", reason), attribute.Bool("cachette.near", near),
	}
}

// Hits, which are the most, and quick, have the fewest: a recording span takes longer for each. They need no others, since no handler has run that might
// have had others set.
var (
	ofHit     = []attribute.KeyValue{attribute.String("cachette.outcome", "hit"), attribute.Bool("cachette.near", false)}
	ofNearHit = []attribute.KeyValue{attribute.String("cachette.outcome", "hit"), attribute.Bool("cachette.near", true)}
)

// OnOperation implements [cachette.Observer].
func (o *Observer) OnOperation(ctx context.Context, e cachette.OperationEvent) {
	if e.Took > 0 {
		o.operations.Record(ctx, e.Took.Seconds(), o.with(&o.ofKind, operationKey, e.Kind))
	}
	if o.tracer == nil || !trace.SpanFromContext(ctx).IsRecording() {
		return
	}
	end := time.Now()
	_, span := o.tracer.Start(ctx, "cachette "+e.Kind, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(end.Add(-e.Took)),
		trace.WithAttributes(spanAttributes(e)...))
	if e.Result == "timed-out" || e.Result == "failed" || e.Result == "refused" {
		span.SetStatus(codes.Error, e.Result)
	}
	span.End(trace.WithTimestamp(end))
}

func spanAttributes(e cachette.OperationEvent) []attribute.KeyValue {
	attributes := []attribute.KeyValue{
		attribute.String("cachette.operation", e.Kind), attribute.String("cachette.result", e.Result),
		attribute.Int("cachette.keys", e.Keys), attribute.Int("cachette.bytes", e.Bytes),
	}
	if e.Server != "" {
		attributes = append(attributes, attribute.String("cachette.server", e.Server))
	}
	return attributes
}
