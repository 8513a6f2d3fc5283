package serve

import "github.com/gin-cachette/cachette/internal/rfc9111"

// withdraws is to be rfc9111.Withdraws.
func withdraws(status int, why rfc9111.Refusal) bool {
	switch {
	case why == rfc9111.Stored, why == rfc9111.RefusedRequest, status == 304, status == 206:
		return false
	case status >= 200 && status < 400:
		return true
	}
	switch status {
	case 401, 403, 404, 410, 451:
		return true
	}
	return false
}
