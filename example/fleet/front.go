package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/gin-gonic/gin"
)

const (
	products = 5
	pace     = 50 * time.Millisecond // between two requests of the clients
	shown    = 200                   // answers that the page has
)

//go:embed page.html
var page []byte

// answer is what a client got.
type answer struct {
	At      time.Time `json:"at"`
	Replica string    `json:"replica"`
	Product string    `json:"product"`
	From    string    `json:"from"` // hit, miss, or away where no replica answered
	MadeBy  string    `json:"made_by"`
	Price   string    `json:"price"`
	Millis  int64     `json:"millis"`
	Process string    `json:"process"`
}

// front has the prices, the clients, and what these got.
type front struct {
	replicas []string
	client   http.Client

	mu       sync.Mutex
	prices   map[string]int
	settled  map[string]int // prices whose change has been answered
	answers  []answer
	counts   map[string]int // of answers, by where they came from
	outdated int            // answers with a price that was over when their client asked
}

func newFront(replicas []string) *front {
	return &front{replicas: replicas, client: http.Client{Timeout: 5 * time.Second}, prices: make(map[string]int), settled: make(map[string]int), counts: make(map[string]int)}
}

// routes are the page, what its buttons do, and the database.
func (f *front) routes() http.Handler {
	r := gin.New()
	r.GET("/", func(c *gin.Context) { c.Data(http.StatusOK, "text/html; charset=utf-8", page) })
	r.GET("/answers", f.show)
	r.POST("/raise/:id", func(c *gin.Context) {
		f.pass(c, "/products/"+c.Param("id")+"/price")
		f.settle(c.Param("id"))
	})
	r.POST("/purge", func(c *gin.Context) { f.pass(c, "/purge") })
	r.GET("/database/:id", func(c *gin.Context) { c.String(http.StatusOK, "%d", f.price(c.Param("id"))) })
	r.POST("/database/:id", func(c *gin.Context) { c.String(http.StatusOK, "%d", f.raise(c.Param("id"))) })
	return r
}

func (f *front) price(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return 100 + f.prices[id]
}

func (f *front) raise(id string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prices[id]++
	return 100 + f.prices[id]
}

// settle notes that the price of a product has been changed, as far as clients have heard of it: what shows an older one is outdated.
func (f *front) settle(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled[id] = f.prices[id]
}

// show answers with the last answers, and how many there were from where.
func (f *front) show(c *gin.Context) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.JSON(http.StatusOK, gin.H{"answers": f.answers, "counts": f.counts, "outdated": f.outdated})
}

// pass sends what a button asks for to the first replica that answers.
func (f *front) pass(c *gin.Context, path string) {
	for _, i := range rand.Perm(len(f.replicas)) {
		response, err := f.client.Post(f.replicas[i]+path, "", nil)
		if err != nil {
			continue
		}
		defer response.Body.Close()
		body, _ := io.ReadAll(response.Body)
		c.String(response.StatusCode, "%s", body)
		return
	}
	c.String(http.StatusBadGateway, "no replica answers\n")
}

// load has clients ask random replicas for random products.
func (f *front) load() {
	for range time.Tick(pace) {
		replica := rand.IntN(len(f.replicas))
		go f.ask(replica, strconv.Itoa(1+rand.IntN(products)))
	}
}

// ask asks a replica for a product, and notes the answer. One with an older price than there was when it was asked for is outdated: a
// purge has removed that everywhere, so there is none.
func (f *front) ask(replica int, product string) {
	f.mu.Lock()
	least := 100 + f.settled[product]
	f.mu.Unlock()
	a := answer{At: time.Now(), Replica: fmt.Sprintf("replica %d", replica+1), Product: product, From: "away"}
	request, err := http.NewRequest(http.MethodGet, f.replicas[replica]+"/products/"+product, nil)
	if err != nil {
		return
	}
	request.Host = "shop.example" // as behind a balancer: pages of all replicas are those of one host
	if response, err := f.client.Do(request); err == nil {
		defer response.Body.Close()
		a.read(response)
	}
	a.Millis = time.Since(a.At).Milliseconds()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answers = append(f.answers, a)
	f.answers = slices.Clone(f.answers[max(0, len(f.answers)-shown):])
	f.counts[a.From]++
	if price, err := strconv.Atoi(a.Price); err == nil && price < least {
		f.outdated++
	}
}

// read reads what a replica says of its answer.
func (a *answer) read(response *http.Response) {
	a.Process, a.From = response.Header.Get("X-Process"), "miss"
	if strings.HasPrefix(response.Header.Get("Cache-Status"), "cachette; hit") {
		a.From = "hit"
	}
	var shown struct {
		Price  string `json:"price"`
		MadeBy string `json:"made_by"`
	}
	if response.StatusCode != http.StatusOK || json.NewDecoder(response.Body).Decode(&shown) != nil {
		a.From = "error"
		return
	}
	a.Price, a.MadeBy = shown.Price, shown.MadeBy
}
