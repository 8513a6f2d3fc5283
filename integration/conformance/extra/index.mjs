// Tests in the format of the public suite (https://github.com/http-tests/cache-tests, CONTRIBUTING.md) of what it has no tests of.
// They need nothing but the suite: add the modules to its tests/index.mjs, or see make conformance EXTRA=1.
//
// Beside it are no-vary-search.mjs and query.mjs, of what this cache does not do yet: it passes their required tests, and of the optimal
// ones those that want no more than what is stored for GET by its own URL. They belong in the list once it does.
import groups from './cache-groups.mjs'

export default [groups]
