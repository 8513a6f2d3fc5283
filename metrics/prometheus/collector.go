// Package prometheus gives what a cache counts to Prometheus:
//
//	registry.MustRegister(prometheus.NewCollector(cache))
//
// Nothing is counted for it beside [cachette.Cache.Stats]: a collector reads that when it is scraped, and costs requests nothing.
// docs/metrics.md has the names; alerts.yml and dashboard.json, beside this package, are rules and a Grafana dashboard that use them.
package prometheus

import (
	"fmt"
	"maps"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/gin-cachette/cachette"
	"github.com/gin-cachette/cachette/metrics/internal/figures"
)

// Option is an option of [NewCollector].
type Option func(*collector)

// WithConstLabels gives all metrics of the collector labels: a registry has those of several caches where the labels differ. A name that
// a label must not have, or that a metric has for a label of its own, has the registry refuse the collector.
func WithConstLabels(labels prometheus.Labels) Option {
	labels = maps.Clone(labels)
	return func(c *collector) { c.labels = labels }
}

// WithMostRoutes says of how many routes metrics are told apart; it is 200 otherwise. The routes that come first have a label of their own, for as
// long as the collector lives; all others share route="other". It panics where most is negative.
func WithMostRoutes(most int) Option {
	if most < 0 {
		panic(fmt.Errorf("%w: prometheus: WithMostRoutes(%d) is negative; give 0, to tell none apart, or more", cachette.ErrInvalid, most))
	}
	return func(c *collector) { c.routes = figures.NewRoutes(most) }
}

type collector struct {
	cache  *cachette.Cache
	routes *figures.Routes
	labels prometheus.Labels
	all    []figures.Figure
	descs  []*prometheus.Desc // of all, in their order
}

// NewCollector returns a collector of what a cache counts, to be registered once. It works after the cache was closed, too. It panics where cache
// or an option is nil.
//
// The route of a metric is a pattern, as "/products/:id", and never a path; "none" is that of no route. No other label has more values than the
// lists in docs/metrics.md, but for the names of a store's servers, of which at most 100 are told apart.
func NewCollector(cache *cachette.Cache, options ...Option) prometheus.Collector {
	if cache == nil {
		panic(fmt.Errorf("%w: prometheus: NewCollector: the cache is nil; give the one that Install has returned", cachette.ErrInvalid))
	}
	c := &collector{cache: cache, routes: figures.NewRoutes(figures.MostRoutes), all: figures.All()}
	for _, option := range options {
		if option == nil {
			panic(fmt.Errorf("%w: prometheus: NewCollector: an option is nil; give one that a function such as WithConstLabels has made", cachette.ErrInvalid))
		}
		option(c)
	}
	for i := range c.all {
		f := &c.all[i]
		c.descs = append(c.descs, prometheus.NewDesc(f.Prometheus(), f.Help, f.Labels, c.labels))
	}
	return c
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range c.descs {
		descs <- desc
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(metrics chan<- prometheus.Metric) {
	stats := c.routes.Few(c.cache.Stats())
	for i := range c.all {
		f, desc := &c.all[i], c.descs[i]
		f.Read(&stats, func(s figures.Sample) {
			switch f.Kind {
			case figures.Histogram:
				d := s.Durations
				metrics <- prometheus.MustNewConstHistogram(desc, d.Count, d.Sum.Seconds(), figures.Cumulative(d), s.Labels...)
			case figures.Counter:
				metrics <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, s.Value, s.Labels...)
			default:
				metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, s.Value, s.Labels...)
			}
		})
	}
}
