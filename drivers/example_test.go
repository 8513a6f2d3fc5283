package drivers_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/gin-cachette/cachette/drivers"
)

// dir is a driver that keeps entries in files.
type dir struct{ drivers.Driver }

// A backend that another module brings is chosen by its name or by a URL of one of its schemes, as those of cachette are:
// CACHETTE_URL=dir:///var/cache/shop.
func ExampleRegister() {
	place := func(s drivers.Settings) string { return strings.TrimPrefix(s.URL, "dir://") }
	drivers.Register("dir", drivers.Backend{
		Schemes: []string{"dir"},
		Check: func(s drivers.Settings) []drivers.Problem {
			if !strings.HasPrefix(place(s), "/") {
				return []drivers.Problem{{Setting: "URL", Text: "it names no folder: give dir:///var/cache/shop"}}
			}
			return nil
		},
		Open: func(context.Context, drivers.Settings) (drivers.Driver, error) { return dir{}, nil },
	})
	backend, linked := drivers.Lookup("dir")
	fmt.Println(linked, backend.Check(drivers.Settings{URL: "dir://var/cache"})[0].Text)
	// Output: true it names no folder: give dir:///var/cache/shop
}
