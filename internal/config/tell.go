package config

// Tell logs what a program may not have meant. backend is the name of what was opened, and local tells whether that lives in this process.
func (c Config) Tell(backend string, local bool) {
	switch {
	case c.Disabled:
		c.Logger.Info("cachette: the cache is disabled: no store is opened, and nothing is cached; CACHETTE_DISABLED, or Config.Disabled, says so")
	case c.Service == "" && !local:
		c.Logger.Warn("cachette: the program has no name of its own, so it shares cached responses with whatever else has this store, "+
			"the same KeyPrefix and no name; set CACHETTE_SERVICE, or Config.Service", "backend", backend)
	}
	if unused := c.Unused(); len(unused) > 0 {
		c.Logger.Warn("cachette: these settings belong to another backend than the one in use, so they do nothing; set CACHETTE_BACKEND, or "+
			"Config.Backend, if that is meant", "settings", unused, "backend", c.Backend)
	}
}
