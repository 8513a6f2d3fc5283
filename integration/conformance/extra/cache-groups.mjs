// RFC 9875, HTTP Cache Groups. Groups are those of an origin, and tests run side by side: each has groups of its own.
const stored = (filename, groups, more) => ({
  filename,
  response_headers: [
    ['Cache-Control', 'max-age=100000'],
    ...(groups === undefined ? [] : [['Cache-Groups', groups]])
  ],
  setup: true,
  ...more
})

const again = (filename, expectedType) => ({ filename, expected_type: expectedType })

const write = (invalidated, more) => ({
  filename: 'written',
  request_method: 'POST',
  request_body: 'abc',
  response_headers: [['Cache-Group-Invalidation', invalidated]],
  setup: true,
  ...more
})

const thirtyTwo = (id, number) => Array.from({ length: number }, (_, i) => `"${(id + '-' + i).padEnd(32, '.')}"`).join(', ')

const tests = []

// A test stores one response, has a request write, and asks for the response again.
function check (id, kind, name, { groups, invalidated, then, by = {}, filename = 'one' }) {
  tests.push({
    name,
    id: `cache-groups-${id}`,
    kind,
    depends_on: id === 'kept' ? [] : ['cache-groups-kept'],
    requests: [stored(filename, groups), write(invalidated, by), again(filename, then)]
  })
}

check('kept', 'optimal', 'An optimal HTTP cache reuses a response with `Cache-Groups` when no request has invalidated its groups', {
  groups: '"kept"', invalidated: '"kept-other"', then: 'cached'
})
check('invalidate', 'optimal', 'An optimal HTTP cache invalidates stored responses of a group that `Cache-Group-Invalidation` lists', {
  groups: '"invalidate"', invalidated: '"invalidate"', then: 'not_cached'
})
check('several', 'optimal', 'An optimal HTTP cache invalidates stored responses that share one of several groups', {
  groups: '"several-a", "several-b"', invalidated: '"several-c", "several-b"', then: 'not_cached'
})
check('lines', 'optimal', 'An optimal HTTP cache combines several lines of `Cache-Groups`', {
  groups: '"lines-a"', invalidated: '"lines-b"', then: 'not_cached'
})
tests.at(-1).requests[0].response_headers.push(['Cache-Groups', '"lines-b"'])
check('parameters', 'optimal', 'An optimal HTTP cache ignores parameters of groups', {
  groups: '"parameters";a=1', invalidated: '"parameters";b;c="d"', then: 'not_cached'
})
check('escapes', 'optimal', 'An optimal HTTP cache unescapes the strings that name groups', {
  groups: '"escapes\\\\\\""', invalidated: '"escapes\\\\\\""', then: 'not_cached'
})
check('many', 'required', 'HTTP cache that supports cache groups must support 32 groups of 32 characters in a response', {
  groups: thirtyTwo('many', 32), invalidated: thirtyTwo('many', 32).split(', ').at(-1), then: 'not_cached'
})
tests.at(-1).depends_on = ['cache-groups-invalidate']
check('many-invalidated', 'required', 'HTTP cache that supports cache groups must support 32 groups of 32 characters in `Cache-Group-Invalidation`', {
  groups: thirtyTwo('many-invalidated', 32).split(', ').at(-1), invalidated: thirtyTwo('many-invalidated', 32), then: 'not_cached'
})
tests.at(-1).depends_on = ['cache-groups-invalidate']
check('case', 'optimal', 'An optimal HTTP cache compares groups by character, with regard to case', {
  groups: '"case-Results"', invalidated: '"case-results"', then: 'cached'
})
check('prefix', 'optimal', 'An optimal HTTP cache does not invalidate a group whose name begins with that of another', {
  groups: '"prefix-results"', invalidated: '"prefix"', then: 'cached'
})
check('safe', 'required', 'HTTP cache must ignore `Cache-Group-Invalidation` on responses to a safe method', {
  groups: '"safe"', invalidated: '"safe"', by: { request_method: 'GET', request_body: undefined }, then: 'cached'
})
check('not-a-list', 'required', 'HTTP cache must ignore a `Cache-Group-Invalidation` that does not parse', {
  groups: '"not-a-list"', invalidated: '"not-a-list', then: 'cached'
})
check('not-strings', 'required', 'HTTP cache must ignore a `Cache-Group-Invalidation` with a member that is no string', {
  groups: '"not-strings"', invalidated: '"not-strings", token', then: 'cached'
})
check('groups-not-a-list', 'required', 'HTTP cache must ignore a `Cache-Groups` that does not parse', {
  groups: '"groups-not-a-list",', invalidated: '"groups-not-a-list"', then: 'cached'
})
check('error', 'check', 'Does HTTP cache ignore `Cache-Group-Invalidation` on the response of an error?', {
  groups: '"error"', invalidated: '"error"', by: { response_status: [500, 'Internal Server Error'] }, then: 'cached'
})

for (const method of ['PUT', 'DELETE', 'M-SEARCH']) {
  check(`invalidate-${method}`, 'optimal', `An optimal HTTP cache invalidates groups by a response to \`${method}\``, {
    groups: `"method-${method}"`, invalidated: `"method-${method}"`, by: { request_method: method }, then: 'not_cached'
  })
}

tests.push({
  name: 'An optimal HTTP cache invalidates all stored responses of a group, and no other',
  id: 'cache-groups-all',
  kind: 'optimal',
  depends_on: ['cache-groups-invalidate'],
  requests: [
    stored('one', '"all"'),
    stored('two', '"all-other", "all"'),
    stored('three', '"all-other"'),
    stored('four'),
    write('"all"'),
    again('one', 'not_cached'),
    again('two', 'not_cached'),
    again('three', 'cached'),
    again('four', 'cached')
  ]
})

tests.push({
  name: 'Does HTTP cache invalidate the other responses of a group when it invalidates one of them?',
  id: 'cache-groups-by-url',
  kind: 'check',
  depends_on: ['cache-groups-invalidate'],
  requests: [
    stored('one', '"by-url"'),
    stored('two', '"by-url"'),
    { filename: 'two', request_method: 'POST', request_body: 'abc', setup: true },
    again('one', 'not_cached')
  ]
})

tests.push({
  name: 'An optimal HTTP cache keeps the groups of a response that it has validated',
  id: 'cache-groups-validated',
  kind: 'optimal',
  depends_on: ['cache-groups-invalidate'],
  requests: [
    {
      filename: 'one',
      response_headers: [['Cache-Control', 'max-age=1'], ['ETag', '"abc"'], ['Cache-Groups', '"validated"']],
      setup: true,
      pause_after: true
    },
    { filename: 'one', response_headers: [['Cache-Control', 'max-age=100000'], ['ETag', '"abc"']], expected_type: 'etag_validated', setup_tests: ['expected_type'] },
    write('"validated"'),
    again('one', 'not_cached')
  ]
})

tests.push({
  name: 'HTTP cache hands on `Cache-Groups` with a response from the cache',
  id: 'cache-groups-field',
  kind: 'required',
  depends_on: ['cache-groups-kept'],
  requests: [
    stored('one', '"field-a", "field-b";x'),
    { filename: 'one', expected_type: 'cached', expected_response_headers: [['Cache-Groups', '"field-a", "field-b";x']] }
  ]
})

export default {
  name: 'Cache Groups',
  id: 'cache-groups',
  description: 'These tests check how caches support the `Cache-Groups` and `Cache-Group-Invalidation` response headers ([RFC 9875](https://www.rfc-editor.org/rfc/rfc9875.html)).',
  tests
}
