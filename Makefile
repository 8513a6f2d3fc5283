# Go, Node.js with npm, and git are enough: each target gets what else it needs. The race detector wants a C compiler;
# where there is none, tests run without it and say so.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c

GO ?= go
PYTHON ?= python3
REQUESTS ?= 1000000
WRITES ?= 200000
PATHS ?= 200000
ROUNDS ?= 50
SCHEDULES ?= 1000000
FLEETS ?= 50000
WORLDS ?= 2000
BACKEND ?= inmemory
FUZZTIME ?= 10s
CODEC_FUZZTIME ?= $(FUZZTIME)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
RACE := $(if $(shell command -v "$$($(GO) env CC)"),-race)
MODULES := . integration
BUILD := build

.DEFAULT_GOAL := help
.PHONY: help test test-with-servers lint conformance identity combinations purges fleet leases near arrangements mutate crosstalk crowd evictions dashboard interop interop-with-servers bench bench-with-servers fuzz cover clean FORCE

help: ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1 \2/p' $(MAKEFILE_LIST) | while read -r name text; do printf '%-12s %s\n' "$$name" "$$text"; done

test: $(BUILD)/servers ## run every test, with the race detector, in random order and on real servers
	@$(BUILD)/servers -build $(BUILD) -- $(MAKE) --no-print-directory test-with-servers

test-with-servers:
	@test -n "$(RACE)" || echo "No C compiler was found: the tests run without the race detector."
	@for module in $(MODULES); do \
		echo "== go test in $$module"; \
		$(GO) test -C $$module $(RACE) -shuffle=on -parallel 4 ./...; \
	done

$(BUILD)/servers: FORCE
	@mkdir -p $(BUILD)
	@$(GO) build -C integration -o ../$(BUILD)/servers ./servers/cmd/servers

FORCE:

lint: ## check formatting, go vet, staticcheck, go.mod and trailing blanks
	@echo "== gofmt"
	@unformatted=$$(git ls-files -co --exclude-standard -- '*.go' | xargs -r gofmt -l); \
		test -z "$$unformatted" || { printf 'not formatted:\n%s\n' "$$unformatted"; exit 1; }
	@for module in $(MODULES); do \
		echo "== go vet, staticcheck and go mod tidy in $$module"; \
		$(GO) vet -C $$module ./...; \
		(cd $$module && $(GO) run $(STATICCHECK) ./... && $(GO) mod tidy -diff); \
	done
	@echo "== trailing blanks"
	@! git grep --untracked -nIE '[[:blank:]]+$$'

conformance: ## run the public HTTP cache test suite (BACKEND=name, WRITE=1 records the outcome, ID=test shows one test, SUITE=directory runs a checkout of the suite, EXTRA=1 the tests in integration/conformance/extra; PUBLISHED=1 prints the scores of other caches)
	@$(GO) run -C integration ./conformance/cmd/conformance -backend $(BACKEND) $(if $(WRITE),-write) $(if $(ID),-id $(ID)) $(if $(SUITE),-suite $(abspath $(SUITE))) $(if $(EXTRA),-extra) $(if $(PUBLISHED),-published)

identity: ## send REQUESTS (1000000) random requests of 50 users, with the race detector; SEED=n repeats a run
	@$(GO) test $(RACE) -count=1 -timeout 60m ./internal/behaviour/identity -run '^TestIdentity$$' -v -requests $(REQUESTS) $(if $(SEED),-seed $(SEED))

combinations: ## run the tests of behaviour in every combination of what they have several of, and at full length
	@$(GO) test $(RACE) -count=1 -timeout 30m ./internal/behaviour -every

purges: ## run the purge protocol through SCHEDULES (1000000) random schedules of several processes, and whole caches through FLEETS (50000); SEED=n begins with that one
	@$(GO) test -count=1 -timeout 60m ./internal/purge -run '^TestSchedules$$' -v -schedules $(SCHEDULES) $(if $(SEED),-seed $(SEED))
	@$(GO) test -count=1 -timeout 60m ./internal/behaviour/fleet -run '^TestFleet$$' -v -fleets $(FLEETS) $(if $(SEED),-fleet $(SEED))

fleet: ## have four processes share each store for STEPS (100000; 3000 where it stands in for another) steps in which they, the store and marks are lost, and see that nothing stays in it
	@$(GO) test -C integration -count=1 -timeout 60m ./fleet -v $(if $(STEPS),-steps $(STEPS),-long) -traffic 5m -past $(if $(SEED),-seed $(SEED))

leases: ## have 1,000 clients of four processes miss a page 1,000 times on each store, and kill the process that makes it 100 times
	@$(GO) test -C integration -count=1 -timeout 4h ./fleet -run '^TestLeases$$' -v -rounds 1000 -deaths 100

near: ## have three processes with near tiers follow the purges of a fourth on each store, while connections, processes and the store go away for as long as a minute
	@$(GO) test -C integration -count=1 -timeout 60m ./fleet -run '^TestNear$$' -v -near

arrangements: ## run processes that are told different lists of memcached servers through WORLDS (2000) random worlds of each kind
	@$(GO) test -count=1 -timeout 60m ./drivers/memcached -run '^TestArrangementHolds$$' -v -arrangements $(WORLDS)

mutate: ## change PACKAGES (internal/target) in N (100) small ways and list those that the tests of TESTS (the same) do not notice; SEED=n changes others
	@$(GO) run -C integration ./mutate -n $(or $(N),100) $(if $(SEED),-seed $(SEED)) $(if $(TESTS),-tests $(TESTS)) $(or $(PACKAGES),internal/target)

crosstalk: ## send WRITES (200000) writes to other paths than those of 400 pages, in memory and on Redis: all are still hits
	@$(GO) test -C integration -count=1 -timeout 60m ./stores -run '^TestNoCrosstalk$$' -v -writes $(WRITES)

crowd: ## have 400 clients ask for a page at once, ROUNDS (50) times in four ways, in memory, on Redis, and on a Redis 20 ms away
	@$(GO) test -C integration -count=1 -timeout 60m ./stores -run '^TestCrowdFarAway$$' -v -rounds $(ROUNDS)

evictions: ## compare the hits of a full memcached of 64 MB, of PATHS (200000) paths, with those of a plain client
	@$(GO) test -C integration -count=1 -timeout 60m ./stores -run '^TestMemcachedEvicts$$' -v -paths $(PATHS)

dashboard: $(BUILD)/dashboard/node_modules ## drive the dashboard in headless Chromium (WRITE=1 makes the screenshots of docs/images anew)
	@$(GO) build -o $(BUILD)/dashboard/example ./example/dashboard
	@cp integration/dashboard/*.js $(BUILD)/dashboard
	@cd $(BUILD)/dashboard && EXAMPLE=./example IMAGES=$(abspath $(if $(WRITE),docs/images,$(BUILD)/dashboard/images)) node --test --test-reporter=spec

# playwright-core brings no browser with it: on Debian, the package chromium has one.
$(BUILD)/dashboard/node_modules: integration/dashboard/package.json integration/dashboard/package-lock.json integration/dashboard/.npmrc
	@mkdir -p $(BUILD)/dashboard
	@cp $^ $(BUILD)/dashboard
	@npm ci --prefix $(BUILD)/dashboard --no-audit --no-fund
	@touch $@

interop: $(BUILD)/servers $(BUILD)/python/.complete ## share one cache with FastAPI on every backend and codec (WRITE=1 records the matrix in docs/python.md)
	@$(BUILD)/servers -build $(BUILD) -only REDIS_URL,MONGODB_URL,DYNAMODB_URL -- $(MAKE) --no-print-directory interop-with-servers

interop-with-servers: export CACHETTE_TEST_PYTHON = $(abspath $(BUILD)/python/bin/python)
interop-with-servers: export CACHETTE_TEST_REQUIRED = 1
interop-with-servers:
	@echo "== one cache for gin and FastAPI"
	@$(GO) test -C integration $(RACE) -count=1 -timeout 15m ./interop $(if $(WRITE),-write)
	@echo "== each codec beside its counterpart in Python, and the example that shares a frame"
	@$(GO) test -count=1 ./encoders/... ./example/dataframe

# Python with venv and pip is needed: on Debian, the package python3-venv.
$(BUILD)/python/.complete: integration/interop/requirements.txt
	@echo "== a virtual environment with fastapi-cachette in $(BUILD)/python"
	@rm -rf $(BUILD)/python
	@$(PYTHON) -m venv $(BUILD)/python
	@$(BUILD)/python/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench: $(BUILD)/servers ## run the comparisons with other caches, the stores' clients and the codecs' libraries, and record them in integration/bench/RESULTS.md; BASE=commit compares with that one too
	@$(BUILD)/servers -build $(BUILD) -only REDIS_URL,MEMCACHED_HOST,MONGODB_URL,DYNAMODB_URL -- $(MAKE) --no-print-directory bench-with-servers

# What the older commit does in the benchmarks of $(1). One that fails there has no figures.
before = { $(BUILD)/base.test -test.run '^$$' -test.bench $(1) || echo "$(BASE) fails in it."; } | sed 's,^Benchmark,&Before/,'

bench-with-servers:
	@$(GO) test -C integration -c -o $(abspath $(BUILD))/bench.test ./bench
ifdef BASE
	@rm -rf $(BUILD)/base && mkdir -p $(BUILD)/base && git archive $(BASE) | tar -x -C $(BUILD)/base
	@mkdir $(BUILD)/base/integration/bench-now && cp integration/bench/*_test.go $(BUILD)/base/integration/bench-now
	@$(GO) test -C $(BUILD)/base/integration -c -o $(abspath $(BUILD))/base.test ./bench-now || { \
		echo "These benchmarks do not build with $(BASE): it is measured by its own, as far as it has them."; \
		$(GO) test -C $(BUILD)/base/integration -c -o $(abspath $(BUILD))/base.test ./bench; \
	}
endif
	@export GOGC=1600; for round in 1 2 3 4 5 6 7 8 9 10; do \
		$(BUILD)/bench.test -test.run '^$$' -test.bench 'Hit|Miss' -test.benchmem -test.benchtime 300ms; \
		$(if $(BASE),$(call before,'Hit/.*/cachette$$' -test.benchmem -test.benchtime 300ms);) \
		$(if $(BASE),$(call before,'Miss/cachette' -test.benchmem -test.benchtime 300ms);) \
	done | tee $(BUILD)/bench.txt
	@for round in 1 2 3 4 5; do \
		$(BUILD)/bench.test -test.run '^$$' -test.bench '^BenchmarkHandler$$' -test.benchtime 300ms; \
		$(if $(BASE),$(call before,'^BenchmarkHandler$$' -test.benchtime 300ms);) \
		$(if $(BASE),$(call before,'^BenchmarkRoute$$' -test.benchtime 1s);) \
	done | tee -a $(BUILD)/bench.txt
	@$(GO) test -C integration -run '^$$' -bench '^Benchmark(Fetch|Route)$$' -benchtime 2s -count 7 ./bench | tee -a $(BUILD)/bench.txt
	@$(GO) test -C integration -run '^$$' -bench '^Benchmark(Tags|Invalidate|Purges|Remember|Near|FetchMany|Stampede)$$' -benchtime 1s -count 3 ./bench | tee -a $(BUILD)/bench.txt
	@$(GO) test -C integration -run '^$$' -bench '^Benchmark(Metrics|Audit|Compression)$$' -benchtime 1s -count 5 ./bench | tee -a $(BUILD)/bench.txt
	@$(GO) test -C integration -run '^$$' -bench 'Codec|Orjson|FeatherFetch' -benchtime 300ms -count 5 ./bench | tee -a $(BUILD)/bench.txt
	@$(GO) test -C integration -run '^$$' -bench 'Memory' -benchtime 1x ./bench | tee -a $(BUILD)/bench.txt
	@$(GO) run -C integration ./bench/report <$(BUILD)/bench.txt >$(BUILD)/bench.md
	@cp $(BUILD)/bench.md integration/bench/RESULTS.md

fuzz: ## run each fuzz target for FUZZTIME (10s), those of the codecs for CODEC_FUZZTIME
	@mkdir -p $(BUILD)
	@for module in $(MODULES); do \
		packages=$$($(GO) list -C $$module ./...); \
		for package in $$packages; do \
			duration=$(FUZZTIME); [[ $$package != */encoders/* ]] || duration=$(CODEC_FUZZTIME); \
			listed=$$($(GO) test -C $$module -list '^Fuzz' $$package); \
			for target in $$(grep '^Fuzz' <<<"$$listed" || true); do \
				echo "== $$package $$target for $$duration"; \
				if ! $(GO) test -C $$module -run '^$$' -fuzz "^$$target$$" -fuzztime $$duration -fuzzminimizetime 10x $$package | tee $(BUILD)/fuzz.txt; then \
					if grep -q 'Failing input' $(BUILD)/fuzz.txt || ! grep -q 'context deadline exceeded' $(BUILD)/fuzz.txt; then \
						git ls-files -o -- '*/testdata/fuzz/*' | xargs -r tail -n +1; \
						exit 1; \
					fi; \
					echo "(its time ended in the middle of an input, which go test reports as a failure; no input failed)"; \
				fi; \
			done; \
		done; \
	done

cover: ## measure how much of the library its own tests reach
	@mkdir -p $(BUILD)
	@$(GO) test -coverpkg=./... -coverprofile=$(BUILD)/cover.out ./...
	@$(GO) tool cover -html=$(BUILD)/cover.out -o $(BUILD)/cover.html
	@$(GO) tool cover -func=$(BUILD)/cover.out | tail -n 1

clean: ## remove what the targets made
	@rm -rf $(BUILD) .cache
