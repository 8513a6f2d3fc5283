package drivertest_test

import (
	"context"
	"strings"
)

func (d *fake) Keys(ctx context.Context, prefix string, most int) ([]string, bool, error) {
	return d.keys(ctx, prefix, most)
}

func (d *fake) correctKeys(ctx context.Context, prefix string, most int) (keys []string, all bool, err error) {
	if err := d.enter(ctx); err != nil {
		return nil, false, err
	}
	defer d.mu.Unlock()
	for key := range d.entries {
		if most--; most < 0 {
			return keys, false, nil
		}
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys, true, nil
}

// changeKeys has a list of keys be another one.
func changeKeys(change func(keys []string, all bool) ([]string, bool)) func(d *fake) {
	return func(d *fake) {
		d.keys = func(ctx context.Context, prefix string, most int) ([]string, bool, error) {
			keys, all, err := d.correctKeys(ctx, prefix, most)
			keys, all = change(keys, all)
			return keys, all, err
		}
	}
}

// listDefects are those of drivers.Lister.
var listDefects = map[string]defect{
	"KeysLeavesSomeOut": {"Lister/All", changeKeys(func(keys []string, all bool) ([]string, bool) { return keys[:min(len(keys), 1000)], all })},
	"KeysOfOthers":      {"Lister/None", changeKeys(func(keys []string, all bool) ([]string, bool) { return append(keys, "listed"), all })},
	"KeysIsNeverWhole":  {"Lister/All", changeKeys(func(keys []string, _ bool) ([]string, bool) { return keys, false })},
	"KeysIsSaidToBeAll": {"Lister/Bounded", changeKeys(func(keys []string, _ bool) ([]string, bool) { return keys, true })},
	"KeysHasNoBound": {"Lister/Bounded", func(d *fake) {
		d.keys = func(ctx context.Context, prefix string, _ int) ([]string, bool, error) {
			return d.correctKeys(ctx, prefix, 1_000_000)
		}
	}},
}
