// Tests in the format of the public suite (https://github.com/http-tests/cache-tests, CONTRIBUTING.md) of what it has no tests of.
// They need nothing but the suite: add the modules to its tests/index.mjs, or see make conformance EXTRA=1.
import groups from './cache-groups.mjs'
import noVarySearch from './no-vary-search.mjs'
import query from './query.mjs'

export default [groups, noVarySearch, query]
