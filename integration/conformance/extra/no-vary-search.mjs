// The No-Vary-Search HTTP Caching Extension (draft-ietf-httpbis-no-vary-search).
const tests = []

// A test stores the response of one query, and asks for that of another one.
function check (id, kind, name, { field, query, other, then }) {
  const request = { query_arg: query, response_headers: [['Cache-Control', 'max-age=100000'], ['No-Vary-Search', field]], setup: true }
  tests.push({
    name,
    id: `no-vary-search-${id}`,
    kind,
    depends_on: kind === 'required' ? [] : ['no-vary-search-same'].filter(other => other !== `no-vary-search-${id}`),
    requests: [request, { query_arg: other, expected_type: then }]
  })
}

const reused = (id, field, query, other, why) => check(id, 'optimal',
  `An optimal HTTP cache reuses the response of \`?${query}\` for \`?${other}\` with \`No-Vary-Search: ${field}\`${why ?? ''}`,
  { field, query, other, then: 'cached' })

const kept = (id, field, query, other, why) => check(id, 'required',
  `HTTP cache must not reuse the response of \`?${query}\` for \`?${other}\` with \`No-Vary-Search: ${field}\`${why ?? ''}`,
  { field, query, other, then: 'not_cached' })

reused('same', 'params=("b")', 'a=1&b=2', 'a=1&b=2')
reused('params', 'params=("b")', 'a=1&b=2', 'a=1&b=3')
reused('params-absent', 'params=("b")', 'a=1&b=2', 'a=1')
reused('params-several', 'params=("b" "c")', 'a=1&b=2', 'c=4&a=1')
reused('except', 'except=("a")', 'a=1&b=2', 'a=1&c=3')
reused('except-none', 'except=()', 'a=1', 'b=2')
reused('key-order', 'key-order, params=("c")', 'a=1&b=2', 'b=2&a=1')
reused('key-order-except', 'except=("a" "b"), key-order', 'a=1&b=2&c=3', 'b=2&a=1')
reused('decoded', 'params=("b")', 'a=x', '%61=%78', ', since both decode to the same')
reused('empty', 'params=("b")', 'a=x&&&', 'a=x', ', since empty parts are none')
reused('no-value', 'params=("b")', 'a=', 'a', ', since both have an empty value')
reused('plus', 'params=("b")', 'a=+', 'a=%20', ', since both are a space')
reused('key-decoded', 'params=("%C3%A9+%E6%B0%97")', 'a=1&%C3%A9%20%E6%B0%97=1', 'a=1&%C3%A9+%E6%B0%97=2', ', since names are decoded')
reused('unknown-entry', 'params=("b"), new=1', 'a=1&b=2', 'a=1&b=3', ', since unknown entries are ignored')

kept('value', 'params=("b")', 'a=1&b=2', 'a=2&b=2')
kept('not-named', 'params=("b")', 'a=1&b=2', 'a=1&b=2&c=3')
kept('except-value', 'except=("a")', 'a=1&b=2', 'a=2&b=2')
kept('except-absent', 'except=("a")', 'a=1&b=2', 'b=2')
kept('order', 'params=("c")', 'a=1&b=2', 'b=2&a=1')
kept('order-of-one', 'key-order, params=("c")', 'a=1&a=2', 'a=2&a=1', ', since one name\'s values stay in order')
kept('case', 'params=("B")', 'a=1&b=2', 'a=1&b=3')
kept('invalid-string', 'params="b"', 'a=1&b=2', 'a=1&b=3', ', which is no inner list')
kept('invalid-token', 'params=(b)', 'a=1&b=2', 'a=1&b=3', ', which has a token')
kept('invalid-both', 'params=("b"), except=("a")', 'a=1&b=2', 'a=1&b=3', ', which has both')
kept('invalid-boolean', 'params=?1', 'a=1&b=2', 'a=1&b=3', ', which is a boolean')
kept('invalid-key-order', 'key-order="x", params=("b")', 'a=1&b=2', 'a=1&b=3', ', whose key-order is no boolean')
kept('invalid-field', 'params=("b"', 'a=1&b=2', 'a=1&b=3', ', which does not parse')

tests.push({
  name: 'HTTP cache must not reuse a response of another path for its `No-Vary-Search`',
  id: 'no-vary-search-path',
  kind: 'required',
  requests: [
    { filename: 'one', query_arg: 'b=2', response_headers: [['Cache-Control', 'max-age=100000'], ['No-Vary-Search', 'params=("b")']], setup: true },
    { filename: 'two', query_arg: 'b=2', expected_type: 'not_cached' }
  ]
})

export default {
  name: 'No-Vary-Search',
  id: 'no-vary-search',
  description: 'These tests check how caches support the `No-Vary-Search` response header ([draft-ietf-httpbis-no-vary-search](https://datatracker.ietf.org/doc/draft-ietf-httpbis-no-vary-search/)).',
  tests
}
