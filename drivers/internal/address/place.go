package address

// Place is where settings say that a store is.
type Place struct {
	Setting string // the field of the settings that says so
	Raw     string // what it holds
	Named   string // the setting, as errors and the log name it
}

// PlaceIn returns what the URL that is the same for all backends says, or, where there is none, a setting of a backend's own.
func PlaceIn(url, setting, variable, raw string) Place {
	if url != "" {
		return Place{Setting: "URL", Raw: url, Named: "URL (CACHETTE_URL)"}
	}
	return Place{Setting: setting, Raw: raw, Named: setting + " (" + variable + ")"}
}

// Problem returns what is wrong with the place of a backend: that there is none, or what check finds. form is what a good one looks like.
func (p Place) Problem(backend, form string, check func(raw string) string) string {
	if p.Raw == "" {
		return "backend " + backend + " requires it: give " + form
	}
	return check(p.Raw)
}
