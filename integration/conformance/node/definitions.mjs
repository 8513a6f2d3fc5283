// Prints, as JSON, the tests of the suite that the given directory holds: what their results mean is told by their
// kind and by the tests that they depend on. The second list is the suite that cli.mjs adds to those of the index.
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const dir = process.argv[2]
const load = async name => (await import(pathToFileURL(path.resolve(dir, 'tests', name)))).default
const describe = suite => ({
  id: suite.id,
  tests: suite.tests
    .filter(test => test.browser_only !== true)
    .map(({ id, name, kind, depends_on: dependsOn }) => ({ id, name, kind, depends_on: dependsOn }))
})

console.log(JSON.stringify({
  version: JSON.parse(fs.readFileSync(path.resolve(dir, 'package.json'), 'utf8')).version,
  suites: (await load('index.mjs')).map(describe),
  surrogate: [describe(await load('surrogate-control.mjs'))]
}))
