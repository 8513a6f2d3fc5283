package options

import (
	"fmt"
	"net/http"

	"github.com/gin-cachette/cachette/internal/argument"
	"github.com/gin-cachette/cachette/internal/serve"
)

// Audit is WithAudit.
func Audit(rate float64) Option {
	if !(rate >= 0 && rate <= 1) {
		panic(fmt.Errorf("%w: WithAudit: the rate is %v; give the part of the hits to audit, from 0 to 1, as 0.01", argument.Err, rate))
	}
	return func(r *serve.Route) {
		if r.Audit != nil {
			mustAgree(fmt.Sprintf("WithAudit(%v)", r.Audit.Part), fmt.Sprintf("WithAudit(%v)", rate), r.Audit.Part == rate)
		}
		r.Audit = serve.NewAuditRate(rate)
	}
}

// AuditNormaliser is WithAuditNormaliser.
func AuditNormaliser(normalise func(header http.Header, body []byte) []byte) Option {
	if normalise == nil {
		panic(fmt.Errorf("%w: WithAuditNormaliser: normalise is nil; give a function that takes out what may differ", argument.Err))
	}
	return func(r *serve.Route) { r.Normalisers = append(r.Normalisers, normalise) }
}

// DryRun is WithDryRun.
func DryRun() Option {
	return func(r *serve.Route) { r.DryRun = true }
}
