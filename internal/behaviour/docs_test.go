package behaviour_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/gin-cachette/cachette"
)

// root is the folder of the module, seen from the one of this package.
const root = "../.."

// docPage reads a page of the documentation.
func docPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docStatus is one line of docs/cache-status.md, and what makes for it.
type docStatus struct {
	want    string
	options []cachette.Option
	handler gin.HandlerFunc
	first   []string      // the fields of a request before; nil for none
	pause   time.Duration // between the two
	method  string        // GET unless given
	fields  []string
	change  func(*http.Request) // changes the request; nil for nothing
	store   func(*cachette.Config)
}

// docAnswer returns a handler that answers with a status and fields.
func docAnswer(status int, fields ...string) gin.HandlerFunc {
	return func(c *gin.Context) {
		for _, field := range fields {
			name, value, _ := strings.Cut(field, ": ")
			c.Writer.Header().Add(name, value)
		}
		c.String(status, "page")
	}
}

// docThen returns a handler that answers with first, and with second from the second time on.
func docThen(first, second gin.HandlerFunc) gin.HandlerFunc {
	runs := 0
	return func(c *gin.Context) {
		runs++
		if runs == 1 {
			first(c)
			return
		}
		second(c)
	}
}

// docContent gives a request so many bytes of content.
func docContent(bytes int64) func(*http.Request) {
	return func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("a", int(bytes)))), bytes
	}
}

// docBroken is a store that fails whatever it is asked.
func docBroken(cfg *cachette.Config) {
	store := newShelf()
	store.breakdown(func(context.Context, call) error { return errors.New("connection refused") })
	store.on(cfg)
}

var (
	docNoFields = []string{}
	docWhole    = docAnswer(http.StatusOK)
	docPart     = func(span string) gin.HandlerFunc {
		return docAnswer(http.StatusPartialContent, "Cache-Control: max-age=60", "Content-Range: bytes "+span, `ETag: "v1"`)
	}
	docStatuses = []docStatus{
		{want: "hit; ttl=60", handler: docWhole, first: docNoFields},
		{want: "hit; ttl=-10", options: []cachette.Option{cachette.WithStaleWhileRevalidate(time.Minute)}, handler: docWhole,
			first: docNoFields, pause: 70 * time.Second},
		{want: "hit; ttl=-11; detail=patience", options: []cachette.Option{cachette.WithPatience(time.Second)},
			handler: docThen(docWhole, func(c *gin.Context) { <-c.Request.Context().Done() }), first: docNoFields, pause: 70 * time.Second},
		{want: "fwd=uri-miss; stored", handler: docWhole},
		{want: "fwd=uri-miss", handler: docWhole, method: http.MethodHead},
		{want: "fwd=vary-miss; stored", handler: docAnswer(http.StatusOK, "Vary: Accept-Language"),
			first: []string{"Accept-Language: de"}, fields: []string{"Accept-Language: fr"}},
		{want: "fwd=stale; stored", handler: docWhole, first: docNoFields, pause: 70 * time.Second},
		{want: "fwd=stale; fwd-status=304; stored", first: docNoFields, pause: 70 * time.Second,
			handler: docThen(docAnswer(http.StatusOK, `ETag: "v1"`), func(c *gin.Context) { c.Status(http.StatusNotModified) })},
		{want: "fwd=stale; fwd-status=503; ttl=-10", options: []cachette.Option{cachette.WithStaleIfError(time.Minute)},
			handler: docThen(docWhole, docAnswer(http.StatusServiceUnavailable)), first: docNoFields, pause: 70 * time.Second},
		{want: "fwd=request; stored", handler: docWhole, first: docNoFields, fields: []string{"Cache-Control: no-cache"}},
		{want: "fwd=request; detail=authorization", handler: docWhole, first: docNoFields, fields: []string{"Authorization: Bearer ann"}},
		{want: "fwd=request; detail=request", handler: docWhole, first: docNoFields, fields: []string{"Cache-Control: no-store"}},
		{want: "fwd=partial; stored", handler: docThen(docPart("0-3/10"), docPart("2-5/10")), first: []string{"Range: bytes=0-3"},
			fields: []string{"Range: bytes=2-5"}},
		{want: "fwd=bypass; detail=disabled", handler: docWhole, store: func(cfg *cachette.Config) { cfg.Disabled = true }},
		{want: "fwd=bypass; detail=skip", handler: docWhole, options: []cachette.Option{cachette.WithSkip(func(*gin.Context) bool { return true })}},
		{want: "fwd=bypass; detail=dry-run", handler: docWhole, first: docNoFields, options: []cachette.Option{cachette.WithDryRun()}},
		{want: "fwd=bypass; detail=identity", handler: docWhole, options: []cachette.Option{cachette.WithIdentity(userOf)}},
		{want: "fwd=bypass; detail=content", handler: docWhole, change: func(r *http.Request) { r.Body, r.ContentLength = http.NoBody, 1 }},
		{want: "fwd=bypass; detail=content-too-large", handler: docWhole, options: []cachette.Option{cachette.WithBodyKey()}, method: http.MethodPost,
			change: docContent(2 << 20)},
		{want: "fwd=bypass; detail=content-room", handler: docWhole, options: []cachette.Option{cachette.WithBodyKey(), cachette.WithBodyLimit(64 << 20)},
			method: http.MethodPost, change: docContent(9 << 20)},
		{want: "fwd=bypass; detail=precondition", handler: docWhole, fields: []string{`If-Match: "v1"`}},
		{want: "fwd=bypass; detail=upgrade", handler: docWhole, fields: []string{"Connection: Upgrade", "Upgrade: websocket"}},
		{want: "fwd=bypass; detail=target", handler: docWhole, change: func(r *http.Request) { r.URL.Scheme = "https" }},
		{want: "fwd=method", handler: docWhole, method: http.MethodPost},
		{want: "fwd=method; stored", method: http.MethodPost, first: docNoFields,
			handler: docAnswer(http.StatusOK, "Cache-Control: max-age=60", "Content-Location: /p")},
		{want: "detail=only-if-cached", handler: docWhole, fields: []string{"Cache-Control: only-if-cached"}},
		{want: `hit; ttl=60; key="cachette:~r:hq@C8tI_huF//example.com/p"`, handler: docWhole, first: docNoFields,
			options: []cachette.Option{cachette.WithCacheStatusKey()}},

		{want: "fwd=uri-miss; detail=status", handler: docAnswer(http.StatusNotFound)},
		{want: "fwd=uri-miss; detail=event-stream", handler: docAnswer(http.StatusOK, "Content-Type: text/event-stream")},
		{want: "fwd=uri-miss; detail=no-store", handler: docAnswer(http.StatusOK, "Cache-Control: no-store")},
		{want: "fwd=uri-miss; detail=private", handler: docAnswer(http.StatusOK, "Cache-Control: private")},
		{want: "fwd=uri-miss; detail=authorization", handler: docWhole, fields: []string{"Authorization: Bearer ann"}},
		{want: "fwd=uri-miss; detail=request", handler: docWhole, fields: []string{"Cache-Control: no-store"}},
		{want: "fwd=uri-miss; detail=set-cookie", handler: docAnswer(http.StatusOK, "Set-Cookie: a=1")},
		{want: "fwd=uri-miss; detail=vary", handler: docAnswer(http.StatusOK, "Vary: *")},
		{want: "fwd=uri-miss; detail=stale", handler: docAnswer(http.StatusOK, "Cache-Control: no-cache")},
		{want: "fwd=uri-miss; detail=stale", handler: docAnswer(http.StatusOK, "Cache-Control: max-age=0")},
		{want: "fwd=uri-miss; detail=not-understood", handler: docAnswer(299, "Cache-Control: must-understand, max-age=60")},
		{want: "fwd=uri-miss; detail=too-large", handler: docWhole, options: []cachette.Option{cachette.WithBodyLimit(3)}},
		{want: "fwd=uri-miss; detail=tags", handler: tagged("")},
		{want: "fwd=uri-miss; detail=aborted", handler: func(c *gin.Context) { c.AbortWithStatusJSON(http.StatusOK, gin.H{}) }},
		{want: "fwd=uri-miss; detail=incomplete", handler: docAnswer(http.StatusOK, "Content-Length: 1000"), first: docNoFields},
		{want: "fwd=uri-miss; detail=store-unavailable", handler: docWhole, store: docBroken},
	}
)

// docs/cache-status.md shows what the running code says, and all of it.
func TestPageOfCacheStatus(t *testing.T) {
	var wanted []string
	for _, row := range docStatuses {
		wanted = append(wanted, "cachette; "+row.want)
		t.Run(row.want, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSite(t, func(cfg *cachette.Config) { cfg.Service = "shop" }, func(cfg *cachette.Config) {
					if row.store != nil {
						row.store(cfg)
					}
				})
				s.Any("/p", cachette.Cached(time.Minute, row.options...), row.handler)
				if row.first != nil {
					s.get("/p", row.first...)
				}
				time.Sleep(row.pause) // of the bubble's clock
				method := row.method
				if method == "" {
					method = http.MethodGet
				}
				r := httptest.NewRequest(method, "/p", nil)
				for _, field := range row.fields {
					name, value, _ := strings.Cut(field, ": ")
					r.Header.Add(name, value)
				}
				if row.change != nil {
					row.change(r)
				}
				w := httptest.NewRecorder()
				s.ServeHTTP(w, r)
				if got := w.Header().Get("Cache-Status"); got != "cachette; "+row.want {
					t.Errorf("Cache-Status: %s", got)
				}
				synctest.Wait()
			})
		})
	}
	wanted = append(wanted, "cachette; fwd=uri-miss; collapsed")  // see TestCollapse
	wanted = append(wanted, "cachette; fwd=bypass; detail=audit") // see TestAuditStops
	var shown []string
	for _, match := range regexp.MustCompile("(?m)^Cache-Status: (.*)$").FindAllStringSubmatch(docPage(t, "docs/cache-status.md"), -1) {
		shown = append(shown, match[1])
	}
	for _, line := range wanted {
		if !slices.Contains(shown, line) {
			t.Errorf("docs/cache-status.md does not show %q", line)
		}
	}
	for _, line := range shown {
		if !slices.Contains(wanted, line) {
			t.Errorf("docs/cache-status.md shows %q, and nothing here makes it", line)
		}
	}
}

// docParse calls visit for each node of the Go files of a folder that are no tests.
func docParse(t *testing.T, folder string, visit func(ast.Node)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no Go files: %v", folder, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			visit(n)
			return true
		})
	}
}

// docLiteral returns the text that an expression begins with: that of a string, or of what one is the first part of.
func docLiteral(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.BinaryExpr:
		return docLiteral(e.X)
	}
	return ""
}

// docs/cache-status.md has every word that Cache-Status can say why by.
func TestPageHasEveryWord(t *testing.T) {
	text := docPage(t, "docs/cache-status.md")
	words := 0
	word := func(parameter, value string) {
		words++
		if value != "" && !strings.Contains(text, "`"+parameter+value+"`") {
			t.Errorf("docs/cache-status.md does not have `%s%s`", parameter, value)
		}
	}
	for _, folder := range []string{"internal/rfc9111", "internal/serve"} {
		docParse(t, folder, func(n ast.Node) {
			switch n := n.(type) {
			case *ast.ValueSpec:
				kind := ""
				switch typ := n.Type.(type) {
				case *ast.Ident:
					kind = typ.Name
				case *ast.SelectorExpr:
					kind = typ.Sel.Name
				}
				for _, value := range n.Values {
					switch kind {
					case "Forward":
						word("fwd=", docLiteral(value))
					case "Refusal":
						word("detail=", docLiteral(value))
					}
				}
			case *ast.KeyValueExpr:
				if key, ok := n.Key.(*ast.Ident); ok && key.Name == "Detail" {
					word("detail=", docLiteral(n.Value))
				}
			case *ast.AssignStmt:
				if to, ok := n.Lhs[0].(*ast.SelectorExpr); ok && to.Sel.Name == "Detail" {
					word("detail=", docLiteral(n.Rhs[0]))
				}
			}
		})
	}
	if words < 20 {
		t.Errorf("only %d words were found in the code", words)
	}
}

// docs/cache-status.md has every line that the cache writes to the log.
func TestPageHasEveryLogLine(t *testing.T) {
	text := strings.Join(strings.Fields(docPage(t, "docs/cache-status.md")), " ")
	levels := []string{"Debug", "Info", "Warn", "Error"}
	lines := 0
	for _, folder := range []string{".", "internal/serve", "internal/entries"} {
		docParse(t, folder, func(n ast.Node) {
			made, ok := n.(*ast.CallExpr)
			if !ok {
				return
			}
			method, ok := made.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains(levels, method.Sel.Name) && method.Sel.Name != "tellOnce" {
				return
			}
			for _, argument := range made.Args {
				message, ok := strings.CutPrefix(docLiteral(argument), "cachette: ")
				if !ok {
					continue
				}
				lines++
				if message = strings.TrimRight(message, " "); !strings.Contains(text, message) {
					t.Errorf("docs/cache-status.md does not have the line %q of %s", message, folder)
				}
			}
		})
	}
	if lines < 8 {
		t.Errorf("only %d lines were found in the code", lines)
	}
}

// README.md has every option.
func TestReadmeHasEveryOption(t *testing.T) {
	text := docPage(t, "README.md")
	options := 0
	docParse(t, ".", func(n ast.Node) {
		if f, ok := n.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "With") {
			options++
			if !strings.Contains(text, "| `"+f.Name.Name+"(") {
				t.Errorf("README.md does not have %s", f.Name.Name)
			}
		}
	})
	if options < 15 {
		t.Errorf("only %d options were found in the code", options)
	}
}

// What the documentation links to is there.
func TestLinksOfThePages(t *testing.T) {
	links := regexp.MustCompile(`\]\(([^)#: ,]+)(#[^)]*)?\)`)
	pages, err := fs.Glob(os.DirFS(root), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(pages, "README.md", "SECURITY.md", "CONTRIBUTING.md") {
		for _, link := range links.FindAllStringSubmatch(docPage(t, name), -1) {
			if _, err := os.Stat(filepath.Join(root, filepath.Dir(name), link[1])); err != nil {
				t.Errorf("%s links to %s: %v", name, link[1], err)
			}
		}
	}
}

// docs/decisions.md is prose, and read in editors and terminals as it is.
func TestDecisionsAreWrapped(t *testing.T) {
	const most = 120
	number := 0
	for line := range strings.Lines(docPage(t, "docs/decisions.md")) {
		number++
		if columns := utf8.RuneCountInString(strings.TrimRight(line, "\n")); columns > most {
			t.Errorf("docs/decisions.md:%d has %d columns, want %d at most", number, columns, most)
		}
	}
}
