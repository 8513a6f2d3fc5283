package identity_test

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// judge tells what is wrong with the answer to a request, nil for nothing; and, of an answer that is a page, its text.
func (a *ask) judge(got *answer) (text string, err error) {
	if got.status == 0 && (a.leaves >= 0 || a.fault != "") {
		return "", nil // there is none
	}
	if got.err != nil && a.leaves < 0 && a.fault == "" {
		return "", errors.New("it is not whole")
	}
	if of := got.header["X-Request"]; !slices.Equal(of, []string{a.run}) {
		return "", fmt.Errorf("what stands outside of the cache says that it is for %q, not once for %q", of, a.run)
	}
	texts := got.header["X-Page"]
	if len(texts) == 0 {
		return "", a.judgeNone(got)
	}
	if status := got.header["Cache-Status"]; len(status) != 1 || !strings.HasPrefix(status[0], "cachette; ") {
		return "", fmt.Errorf("Cache-Status is %q", status)
	}
	if len(texts) != 1 {
		return "", fmt.Errorf("it is %d pages", len(texts))
	}
	p, err := parsePage(texts[0])
	if err != nil {
		return "", err
	}
	for _, check := range []func(*page, *answer) error{a.isForPage, a.isForMe, a.isCurrent, a.agrees, a.hasContent} {
		if err := check(&p, got); err != nil {
			return "", err
		}
	}
	return texts[0], nil
}

// judgeNone tells what is wrong with an answer that is no page.
func (a *ask) judgeNone(got *answer) error {
	switch {
	case got.status == http.StatusInternalServerError && a.fault != "":
	case got.status == http.StatusGatewayTimeout && a.asks("only-if-cached"):
	case got.status == 499 && a.leaves >= 0:
	case got.status == http.StatusOK && got.body == "" && a.leaves >= 0:
	default:
		return errors.New("it is no page")
	}
	return nil
}

// asks tells whether the client asks the cache for something.
func (a *ask) asks(directive string) bool { return a.fields.Get("Cache-Control") == directive }

// isForPage tells whether the page is the one that was asked for.
func (a *ask) isForPage(p *page, got *answer) error {
	d := a.demands()
	same := p.saw.came == a.came
	switch d.query {
	case 'n':
		same = pathOf(p.saw.came) == pathOf(a.came)
	case 'q':
		same = pathOf(p.saw.came) == pathOf(a.came) && queryParam(p.saw) == queryParam(a.traits)
	}
	if !same || p.route != a.rule.name || p.saw.path != a.path || p.saw.host != a.host || p.saw.scheme != a.scheme {
		return fmt.Errorf("it is the page of %s://%s%s at %s by %q", p.saw.scheme, p.saw.host, p.saw.came, p.saw.path, p.route)
	}
	if a.way.tenant && a.rule.shows == nil && p.saw.tenant != a.tenant {
		return fmt.Errorf("it is the page of tenant %q, not of %q, who is in its path", p.saw.tenant, a.tenant)
	}
	return nil
}

// queryParam returns the parameter q of a target.
func queryParam(t traits) string {
	for pair := range strings.SplitSeq(t.query(), "&") {
		if value, ok := strings.CutPrefix(pair, "q="); ok {
			return value
		}
	}
	return ""
}

// isForMe tells whether the page may be given to this client, by what HTTP and the route say.
func (a *ask) isForMe(p *page, got *answer) error {
	d := a.demands()
	if why := a.alone(&d, p); why != "" {
		if got.hit() || strings.Contains(got.cacheStatus(), "collapsed") {
			return fmt.Errorf("it was stored, and is for one client only: %s", why)
		}
		if p.run != "-" && p.run != a.run {
			return fmt.Errorf("it was made for request %s, and is for one client only: %s", p.run, why)
		}
	}
	mine := a.traits
	if a.rule.shows != nil {
		mine = a.rule.shows(mine)
	}
	for _, identity := range d.identities {
		if identity(mine) != identity(p.saw) {
			return fmt.Errorf("it is for %q alone, and the client is %q", identity(p.saw), identity(mine))
		}
	}
	for i, part := range d.parts {
		if part(mine) != part(p.saw) {
			return fmt.Errorf("key part %d of it is %q, and that of the request is %q", i, part(p.saw), part(mine))
		}
	}
	varies := slices.Clone(d.vary)
	if p.vary != "" {
		varies = append(varies, strings.Split(p.vary, ", ")...)
	}
	for _, field := range varies {
		if mine.field(field) != p.saw.field(field) {
			return fmt.Errorf("it varies by %s, which was %q and is %q", field, p.saw.field(field), mine.field(field))
		}
	}
	// RFC 9111 §3.5; and what was made for nobody in particular is not for a client that is logged in.
	if len(d.identities) == 0 && !a.rule.shares() && p.saw.authorization != mine.authorization {
		return fmt.Errorf("its Authorization was %q, and that of the request is %q", p.saw.authorization, mine.authorization)
	}
	return nil
}

// alone tells why the answer can only be one that a handler made for this very request; empty where it need not be.
func (a *ask) alone(d *demands, p *page) string {
	safe := a.method == http.MethodGet || a.method == http.MethodHead
	nobody := slices.ContainsFunc(d.identities, func(identity func(traits) string) bool { return identity(a.traits) == "" })
	switch {
	case !safe:
		return "the method is " + a.method
	case a.rule.forbids(d):
		return "it says so"
	case nobody:
		return "the client is nobody in particular"
	case a.authorization != "" && len(d.identities) == 0 && !a.rule.shares():
		return "the request has Authorization (RFC 9111 §3.5)"
	case d.away, d.skip && a.fields.Get("X-Skip") != "":
		return "the route keeps the request away from the cache"
	case !d.quiet && (a.asks("no-store") || a.fields.Get("If-Match") != ""):
		return "the client asks for that"
	case p.spoilt != "":
		return p.spoilt
	case p.status >= 400 && !slices.Contains(d.statuses, p.status):
		return fmt.Sprintf("its status is %d", p.status)
	}
	return ""
}

// isCurrent tells whether the page is of no older data than there was before the last purge that had returned when it was asked for.
func (a *ask) isCurrent(p *page, got *answer) error {
	d := a.demands()
	validated := strings.Contains(a.rule.control, "no-cache") || !d.quiet && (a.asks("no-cache") || a.asks("no-store"))
	if validated && (p.read.path < a.now.path || p.read.came < a.now.came || p.read.here < a.now.here || p.read.hereCame < a.now.hereCame) { // RFC 9111 §5.2.1.4, §5.2.2.4
		return fmt.Errorf("nothing unvalidated will do, and the page is of %+v, older than %+v", p.read, a.now)
	}
	if outdated(&d, &p.read, &a.since) {
		return fmt.Errorf("it was purged: it is of %+v, and the last purges were of %+v", p.read, a.since)
	}
	if strings.Contains(got.cacheStatus(), "fwd-status=50") && outdated(&d, &p.read, &a.failed) {
		return fmt.Errorf("it was purged before it stood in for an error: it is of %+v, and the last purges were of %+v", p.read, a.failed)
	}
	return nil
}

// outdated tells whether what was read is older than floors that concern it.
func outdated(d *demands, read, floors *versions) bool {
	old := read.path < floors.path || read.came < floors.came || read.here < floors.here || read.hereCame < floors.hereCame || read.all < floors.all
	for i, name := range namespaces {
		old = old || slices.Contains(d.spaces, name) && read.spaces[i] < floors.spaces[i]
	}
	return old
}

// agrees tells whether header and status are those of one and the same page.
func (a *ask) agrees(p *page, got *answer) error {
	text := p.String()
	if lines, ok := got.header["X-Line"]; ok && !slices.Equal(lines, []string{text + "#1", text + "#2"}) {
		return fmt.Errorf("X-Line is %q", lines)
	}
	tag := strings.TrimPrefix(got.header.Get("Etag"), "W/")
	if tag != "" && !a.rule.untagged && !a.rule.posts && tag != tagOf(text) {
		return fmt.Errorf("its tag is %s, and the page %s", tag, text)
	}
	late := a.rule.name == "visit-late" && len(got.header["Set-Cookie"]) == 0 // the engine sends what has no body
	if cookies := got.header["Set-Cookie"]; a.rule.visits && !late && !slices.Equal(cookies, []string{"visit=" + a.run}) ||
		a.rule.cookie && p.status == http.StatusOK && got.status == http.StatusOK && !slices.Equal(cookies, []string{"login=" + a.run}) ||
		!a.rule.visits && !a.rule.cookie && len(cookies) > 0 {
		return fmt.Errorf("its cookies are %q", cookies)
	}
	switch got.status {
	case p.status, http.StatusNoContent:
	case http.StatusNotModified:
		has := func(known string) bool { return strings.TrimPrefix(known, "W/") == tag } // RFC 9110 §8.8.3.2
		if len(a.tags) > 0 && !slices.ContainsFunc(a.tags, has) && a.fields.Get("If-None-Match") != "" {
			return fmt.Errorf("the client has %q, not %q", a.tags, tag)
		}
	case http.StatusPartialContent:
		if of := a.fields.Get("If-Range"); of != "" && of != got.header.Get("Etag") {
			return fmt.Errorf("it is a part of %s, and the client has %s", tag, of)
		}
	case http.StatusRequestedRangeNotSatisfiable:
	case http.StatusPreconditionFailed:
		if a.fields.Get("If-Match") == "" {
			return errors.New("there is no precondition")
		}
	case http.StatusInternalServerError:
		if a.fault == "" {
			return errors.New("no handler was told to fail")
		}
	default:
		return fmt.Errorf("the page has status %d", p.status)
	}
	return nil
}

// hasContent tells whether the body is that of the page, whole, or the part of it that the header says.
func (a *ask) hasContent(p *page, got *answer) error {
	body := bodyOf(p.String(), a.rule.large && p.status < 400)
	whole := a.leaves < 0 && a.fault == ""
	switch {
	case a.method == http.MethodHead, got.status == http.StatusNotModified, got.status == http.StatusNoContent,
		got.status == http.StatusPreconditionFailed:
		if got.body != "" {
			return errors.New("it has a body")
		}
		if length := got.header.Get("Content-Length"); length != "" && got.status == http.StatusOK && whole && length != strconv.Itoa(len(body)) {
			return fmt.Errorf("its length is said to be %s, not %d", length, len(body))
		}
		return nil
	case got.status == http.StatusPartialContent:
		return a.isPartOf(body, got, whole)
	case got.status == http.StatusRequestedRangeNotSatisfiable:
		if of := got.header.Get("Content-Range"); of != fmt.Sprintf("bytes */%d", len(body)) {
			return fmt.Errorf("Content-Range is %q, of %d bytes", of, len(body))
		}
		return nil
	case whole && got.body != body, !strings.HasPrefix(body, got.body):
		return fmt.Errorf("its body is not the %d bytes of the page", len(body))
	}
	if length := got.header.Get("Content-Length"); length != "" && whole && length != strconv.Itoa(len(body)) {
		return fmt.Errorf("its length is said to be %s, not %d", length, len(body))
	}
	return nil
}

// isPartOf tells whether a 206 has the parts of a body that the client wants.
func (a *ask) isPartOf(body string, got *answer, whole bool) error {
	kind, params, err := mime.ParseMediaType(got.header.Get("Content-Type"))
	if err != nil {
		return err
	}
	wanted := parts(a.fields.Get("Range"), len(body))
	if kind != "multipart/byteranges" {
		if len(wanted) != 1 {
			return fmt.Errorf("it is one part, and %d are wanted", len(wanted))
		}
		return isPart(body, wanted[0], got.header.Get("Content-Range"), got.body, whole)
	}
	reader := multipart.NewReader(strings.NewReader(got.body), params["boundary"])
	for _, one := range wanted {
		part, err := reader.NextPart()
		if err == nil {
			var content []byte
			if content, err = io.ReadAll(part); err == nil {
				err = isPart(body, one, part.Header.Get("Content-Range"), string(content), whole)
			}
		}
		if err != nil && whole {
			return err
		}
	}
	return nil
}

// isPart tells whether a part is the one that is wanted.
func isPart(body string, wanted [2]int, of, content string, whole bool) error {
	if right := fmt.Sprintf("bytes %d-%d/%d", wanted[0], wanted[1], len(body)); of != right {
		return fmt.Errorf("Content-Range is %q, not %q", of, right)
	}
	part := body[wanted[0] : wanted[1]+1]
	if whole && content != part || !strings.HasPrefix(part, content) {
		return fmt.Errorf("it is not bytes %d to %d of the page", wanted[0], wanted[1])
	}
	return nil
}

// parts returns the first and last bytes of the ranges that a client asks for (RFC 9110 §14.1.2).
func parts(of string, length int) (all [][2]int) {
	for one := range strings.SplitSeq(strings.TrimPrefix(of, "bytes="), ",") {
		from, to, _ := strings.Cut(one, "-")
		first, last := 0, length-1
		switch {
		case of == "":
			return nil
		case from == "":
			suffix, _ := strconv.Atoi(to)
			first = length - suffix
		case to != "":
			first, _ = strconv.Atoi(from)
			last, _ = strconv.Atoi(to)
		default:
			first, _ = strconv.Atoi(from)
		}
		all = append(all, [2]int{first, min(last, length-1)})
	}
	return all
}
