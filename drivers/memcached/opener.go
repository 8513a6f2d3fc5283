package memcached

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/gin-cachette/cachette/drivers"
	"github.com/gin-cachette/cachette/drivers/internal/tlsfiles"
)

func init() {
	drivers.Register("memcached", drivers.Backend{Open: openByName, Check: check, Schemes: []string{scheme, schemeTLS}})
}

// openTimeout is how long servers may take to answer at the start.
const openTimeout = 3 * time.Second

// openByName opens what the settings name. A server that refuses the password, or wants none, or whose certificate does not
// hold, is an error; one that does not answer is a line in the log.
func openByName(ctx context.Context, settings drivers.Settings) (drivers.Driver, error) {
	at := place(settings)
	t, err := parseSetting(at.Raw)
	if err != nil {
		return nil, fmt.Errorf("memcached: %s: %w", at.Named, err)
	}
	d := newDriver(newServers(t.servers), t.dialer.DialContext, settings.OperationTimeout, t.dial, t.pool)
	d.noFlags = settings.PlainKeys
	d.arranger.warn = func() {
		settings.Logger.Warn("cachette: memcached: another program spreads keys over the same servers otherwise, and each empties the cache "+
			"of the other: have all name the same servers, each by the same name", "setting", at.Named)
	}
	refused, silent := d.meet(ctx, t.dialer)
	if refused != nil {
		d.Close()
		return nil, fmt.Errorf("memcached: %s: %w", at.Named, refused)
	}
	if silent != nil {
		heard := "a server does not answer"
		if answer := new(answerError); errors.As(silent, &answer) {
			heard = answer.heard()
		}
		settings.Logger.Warn("cachette: memcached: "+heard+": operations on its keys fail until it does", "setting", at.Named, "error", silent)
		return d, nil
	}
	if !d.suits(settings.Logger, at.Named) {
		return d, nil
	}
	d.arrange(ctx, settings.Logger, at.Named)
	return d, nil
}

// suits tells the log what the servers lack, and returns whether pages can be kept on them.
func (d *Driver) suits(logger *slog.Logger, setting string) bool {
	servers, _ := d.all()
	for _, s := range servers {
		if s.settings.noVersions.Load() {
			logger.Warn("cachette: memcached: a server has no versions of its entries (CAS): no page is kept without them, and purges are errors; "+
				"start it without -C", "setting", setting, "server", s.addr.String())
			return false
		}
		if s.settings.noList.Load() {
			logger.Warn("cachette: memcached: a server does not list its keys: Flush and ClearNamespace purge pages, leave values, and are errors; "+
				"start it without -X and without -o no_lru_crawler", "setting", setting, "server", s.addr.String())
		}
	}
	return true
}

// arrange agrees with other processes at the start, so that the first requests do not have to wait for that.
func (d *Driver) arrange(ctx context.Context, logger *slog.Logger, setting string) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if _, err := d.Arrangement(ctx); err != nil {
		logger.Warn("cachette: memcached: the servers have no note of how keys are spread: no page is kept until they have",
			"setting", setting, "error", err)
	}
}

// meet asks each server what there is to know of it.
func (d *Driver) meet(ctx context.Context, dialer Dialer) (refused, silent error) {
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	servers, err := d.all()
	if err != nil {
		return err, nil
	}
	var refusals, silences []error
	errs := make(chan error, len(servers))
	for _, s := range servers {
		go func() {
			err := s.learn(ctx)
			if err == nil {
				err = dialer.checkWanted(ctx, s.addr)
			}
			if err != nil {
				err = fmt.Errorf("%s: %w", s.addr, tlsfiles.Advised(err))
			}
			errs <- err
		}()
	}
	for range servers {
		switch err := <-errs; {
		case err == nil:
		case isRefusal(err):
			refusals = append(refusals, err)
		default:
			silences = append(silences, err)
		}
	}
	return errors.Join(refusals...), errors.Join(silences...)
}
