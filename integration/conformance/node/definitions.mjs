// Prints, as JSON, the tests of the suite that the given directory holds: what their results mean is told by their
// kind and by the tests that they depend on. The second list is the suite that older versions' cli.mjs adds to those of
// the index; newer ones have none. A second directory has other tests, which stand in for the suite's.
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const dir = process.argv[2]
const tests = path.resolve(process.argv[3] ?? path.join(dir, 'tests'))
const load = async name => (await import(pathToFileURL(path.join(tests, name)))).default
const describe = suite => ({
  id: suite.id,
  tests: suite.tests
    .filter(test => test.browser_only !== true)
    .map(({ id, name, kind, depends_on: dependsOn }) => ({ id, name, kind, depends_on: dependsOn }))
})

const surrogate = fs.existsSync(path.join(tests, 'surrogate-control.mjs'))

console.log(JSON.stringify({
  version: JSON.parse(fs.readFileSync(path.resolve(dir, 'package.json'), 'utf8')).version,
  suites: (await load('index.mjs')).map(describe),
  surrogate: surrogate ? [describe(await load('surrogate-control.mjs'))] : []
}))
