// RFC 10008, the HTTP QUERY method: how it is cached.
const fresh = [['Cache-Control', 'max-age=100000']]

const query = (content, more) => ({
  request_method: 'QUERY',
  request_headers: [['Content-Type', 'application/sql']],
  request_body: content,
  ...more
})

const stored = (content, more) => query(content, { response_headers: fresh, setup: true, ...more })

const tests = []

function check (id, kind, name, dependsOn, requests) {
  tests.push({ name, id: `query-${id}`, kind, depends_on: dependsOn.map(other => `query-${other}`), requests })
}

check('reuse', 'optimal', 'An optimal HTTP cache reuses a stored response to `QUERY` for one with the same content', [],
  [stored('select 1'), query('select 1', { expected_type: 'cached' })])
check('content', 'required', 'HTTP cache must not reuse a response to `QUERY` for one with other content', [],
  [stored('select 1'), query('select 2', { expected_type: 'not_cached' })])
check('content-side-by-side', 'optimal', 'An optimal HTTP cache keeps responses to `QUERY` of different content side by side', ['reuse'],
  [stored('select 1'), stored('select 2'), query('select 1', { expected_type: 'cached' }), query('select 2', { expected_type: 'cached' })])
check('content-prefix', 'required', 'HTTP cache must not reuse a response to `QUERY` for one whose content goes on', [],
  [stored('select 1'), query('select 10', { expected_type: 'not_cached' })])
check('content-type', 'required', 'HTTP cache must not reuse a response to `QUERY` for one with another `Content-Type`', [],
  [stored('select 1'), query('select 1', { request_headers: [['Content-Type', 'text/plain']], expected_type: 'not_cached' })])
check('content-encoding', 'required', 'HTTP cache must not reuse a response to `QUERY` for one with another `Content-Encoding`', [],
  [stored('select 1'), query('select 1', { request_headers: [['Content-Type', 'application/sql'], ['Content-Encoding', 'x-other']], expected_type: 'not_cached' })])
check('for-get', 'required', 'HTTP cache must not reuse a response to `QUERY` for `GET`', [],
  [stored('select 1'), { expected_type: 'not_cached' }])
check('of-get', 'required', 'HTTP cache must not reuse a response to `GET` for `QUERY`', [],
  [{ response_headers: fresh, setup: true }, query('select 1', { expected_type: 'not_cached' })])
check('for-post', 'required', 'HTTP cache must not reuse a response to `QUERY` for `POST`', [],
  [stored('select 1'), query('select 1', { request_method: 'POST', expected_type: 'not_cached' })])
check('url', 'required', 'HTTP cache must not reuse a response to `QUERY` for another URL', [],
  [stored('select 1', { query_arg: 'a=1' }), query('select 1', { query_arg: 'a=2', expected_type: 'not_cached' })])
check('no-store', 'required', 'HTTP cache must not store a response to `QUERY` with `Cache-Control: no-store`', [],
  [stored('select 1', { response_headers: [['Cache-Control', 'no-store']] }), query('select 1', { expected_type: 'not_cached' })])
check('stale', 'required', 'HTTP cache must not reuse a stale response to `QUERY`', [],
  [stored('select 1', { response_headers: [['Cache-Control', 'max-age=1']], pause_after: true }), query('select 1', { expected_type: 'not_cached' })])
check('vary', 'required', 'HTTP cache must not reuse a response to `QUERY` for one in which a field differs that `Vary` names', [],
  [
    stored('select 1', { request_headers: [['Content-Type', 'application/sql'], ['Accept', 'text/csv']], response_headers: [...fresh, ['Vary', 'Accept']] }),
    query('select 1', { request_headers: [['Content-Type', 'application/sql'], ['Accept', 'application/json']], expected_type: 'not_cached' })
  ])
check('validate', 'optimal', 'An optimal HTTP cache validates a stale response to `QUERY` by its `ETag`', ['reuse'],
  [
    stored('select 1', { response_headers: [['Cache-Control', 'max-age=1'], ['ETag', '"abc"']], pause_after: true }),
    query('select 1', { response_headers: [['Cache-Control', 'max-age=1'], ['ETag', '"abc"']], expected_type: 'etag_validated' })
  ])
check('conditional', 'optimal', 'An optimal HTTP cache answers `QUERY` with `If-None-Match` by `304` when it has a fresh response', ['reuse'],
  [
    stored('select 1', { response_headers: [...fresh, ['ETag', '"abc"']] }),
    query('select 1', { request_headers: [['Content-Type', 'application/sql'], ['If-None-Match', '"abc"']], expected_type: 'cached', expected_status: 304 })
  ])
check('safe', 'optimal', 'An optimal HTTP cache does not invalidate a response to `GET` by `QUERY`, which is safe', [],
  [{ response_headers: fresh, setup: true }, query('select 1', { setup: true }), { expected_type: 'cached' }])
check('invalidate', 'required', 'HTTP cache must invalidate responses to `QUERY` after a successful response to an unsafe method', [],
  [stored('select 1'), { request_method: 'PUT', request_body: 'abc', setup: true }, query('select 1', { expected_type: 'not_cached' })])

export default {
  name: 'The QUERY Method',
  id: 'query',
  description: 'These tests check how caches support the `QUERY` method ([RFC 10008](https://www.rfc-editor.org/rfc/rfc10008.html)).',
  tests
}
