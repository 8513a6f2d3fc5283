package config

import (
	"reflect"
	"slices"
	"strings"

	"github.com/gin-cachette/cachette/internal/wording"
)

// Fields are the names of Config's fields that have a variable, in order; Variables are those variables,
// by field.
var Fields, Variables = func() (fields []string, variables map[string]string) {
	variables = make(map[string]string)
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if name, ok := field.Tag.Lookup("env"); ok {
			fields = append(fields, field.Name)
			variables[field.Name] = variablePrefix + name
		}
	}
	return fields, variables
}()

// variableOf returns the variable of a field, or nothing if it has none.
func variableOf(field string) string { return Variables[field] }

// ownVariables picks from environ (name=value) what is cachette's: variables that it knows, and the names of those
// that it does not, sorted. environment is every name there is.
func ownVariables(environ []string) (environment map[string]bool, known map[string]string, unknown []string) {
	environment, known = make(map[string]bool), make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		environment[name] = true
		switch {
		case !strings.HasPrefix(name, variablePrefix), strings.HasPrefix(name, testPrefix):
		case isVariable(name):
			known[name] = strings.TrimRight(value, "\r\n")
		default:
			unknown = append(unknown, name)
		}
	}
	unknown = slices.DeleteFunc(unknown, func(name string) bool { return isServiceLink(name, environment) })
	slices.Sort(unknown)
	return environment, known, unknown
}

func isVariable(name string) bool {
	for _, variable := range Variables {
		if variable == name {
			return true
		}
	}
	return false
}

// isServiceLink reports whether Kubernetes has set a variable: in each container, for each service S of the namespace,
// it sets S_SERVICE_HOST, S_SERVICE_PORT, S_PORT, S_PORT_6379_TCP and others.
// A service called cachette, or cachette-redis, must not stop the program.
func isServiceLink(name string, environment map[string]bool) bool {
	for other := range environment {
		service, found := strings.CutSuffix(other, "_SERVICE_HOST")
		if !found {
			continue
		}
		rest, found := strings.CutPrefix(name, service)
		if found && (rest == "_PORT" || strings.HasPrefix(rest, "_PORT_") || strings.HasPrefix(rest, "_SERVICE_")) {
			return true
		}
	}
	return false
}

// unknownVariable says what is wrong with a variable that there is not: which one was meant, where that can be told.
func unknownVariable(name string, environment map[string]bool) *Mistake {
	mistake := func(problem string) *Mistake {
		return &Mistake{Variable: name, Problem: "cachette knows no such variable: " + problem}
	}
	var all, unset []string
	for _, field := range Fields {
		variable := Variables[field]
		if all = append(all, variable); !environment[variable] {
			unset = append(unset, variable)
		}
	}
	if meant := nearest(name, unset); meant != "" {
		return mistake("did you mean " + meant + "?")
	}
	if alike := ofSameWords(name, unset); len(alike) > 0 && len(alike) <= mostMeant {
		return mistake("did you mean " + strings.Join(alike, " or ") + "?")
	}
	return mistake("it knows " + strings.Join(all, ", "))
}

// mostMeant is how many variables are named as those that may have been meant.
const mostMeant = 3

// nearest returns the variable that a name is a misspelling of, or nothing.
func nearest(name string, variables []string) string {
	for _, variable := range variables {
		if strings.EqualFold(strings.ReplaceAll(variable, "_", ""), strings.ReplaceAll(name, "_", "")) {
			return variable
		}
	}
	for most := 1; most <= 2; most++ {
		for _, variable := range variables {
			if edits := wording.Edits(name, variable); edits <= most && edits < len(name)-len(variablePrefix) {
				return variable
			}
		}
	}
	return ""
}

// ofSameWords returns the variables that a name has all words of, as CACHETTE_DEFAULT_TTL of CACHETTE_TTL, or that have all of the name's.
func ofSameWords(name string, variables []string) (alike []string) {
	wordsOf := func(name string) []string { return strings.Split(strings.TrimPrefix(name, variablePrefix), "_") }
	within := func(some, all []string) bool {
		return !slices.ContainsFunc(some, func(word string) bool { return !slices.Contains(all, word) })
	}
	words := wordsOf(strings.ToUpper(name))
	for _, variable := range variables {
		if own := wordsOf(variable); within(words, own) || within(own, words) {
			alike = append(alike, variable)
		}
	}
	return alike
}
