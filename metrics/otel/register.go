package otel

import (
	"context"
	"errors"
	"fmt"

	"go.opentelemetry.io/otel/metric"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/metrics/internal/figures"
)

// Register has the instruments read what a cache counts, whenever they are collected, until the registration is taken back. It works after
// the cache was closed, too. An observer is registered once: another cache has one of its own, with [WithAttributes] that tell them apart.
//
// Its errors are [cachette.ErrInvalid], where it was registered before or cache is nil, and those of the provider.
func (o *Observer) Register(cache *cachette.Cache) (metric.Registration, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case cache == nil:
		return nil, fmt.Errorf("%w: otel: Register: the cache is nil; give the one that Install has returned", cachette.ErrInvalid)
	case o.registered:
		return nil, fmt.Errorf("%w: otel: Register: the observer is registered already; make one for each cache", cachette.ErrInvalid)
	}
	var made []instrument
	var observables []metric.Observable
	var failed []error
	for _, f := range o.all {
		if f.Kind == figures.Histogram {
			continue
		}
		i, err := o.instrument(f)
		made, observables, failed = append(made, i), append(observables, i.observable), append(failed, err)
	}
	if err := errors.Join(failed...); err != nil {
		return nil, fmt.Errorf("otel: the provider makes no instrument: %w", err)
	}
	registration, err := o.meter.RegisterCallback(func(_ context.Context, observer metric.Observer) error {
		stats := o.routes.Few(cache.Stats())
		for i := range made {
			made[i].figure.Read(&stats, func(s figures.Sample) {
				made[i].observe(observer, s.Value, metric.WithAttributeSet(o.set(made[i].figure.Labels, s.Labels)))
			})
		}
		return nil
	}, observables...)
	if err != nil {
		return nil, fmt.Errorf("otel: the provider takes no callback: %w", err)
	}
	o.registered = true
	return registration, nil
}

// instrument is that of one figure.
type instrument struct {
	figure     figures.Figure
	observable metric.Observable
	observe    func(metric.Observer, float64, ...metric.ObserveOption)
}

// instrument makes that of a figure: of whole numbers, but for times.
func (o *Observer) instrument(f figures.Figure) (instrument, error) {
	unit, help := metric.WithUnit(f.Unit), metric.WithDescription(f.Help)
	if f.Unit == "s" {
		counter, err := o.meter.Float64ObservableCounter(f.OTel(), unit, help)
		return instrument{f, counter, func(to metric.Observer, value float64, options ...metric.ObserveOption) {
			to.ObserveFloat64(counter, value, options...)
		}}, err
	}
	var observable metric.Int64Observable
	var err error
	switch f.Kind {
	case figures.Counter:
		observable, err = o.meter.Int64ObservableCounter(f.OTel(), unit, help)
	case figures.Level:
		observable, err = o.meter.Int64ObservableUpDownCounter(f.OTel(), unit, help)
	default:
		observable, err = o.meter.Int64ObservableGauge(f.OTel(), unit, help)
	}
	return instrument{f, observable, func(to metric.Observer, value float64, options ...metric.ObserveOption) {
		to.ObserveInt64(observable, int64(value), options...)
	}}, err
}
