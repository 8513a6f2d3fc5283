// Runs all tests of the suite that the given directory holds, as cli.mjs does, but fewer at a time: after each lot it
// prints a line and waits for one, so that whoever started it can empty the cache in between. A store that takes
// milliseconds for each operation, and more the more it holds, cannot keep up with a hundred tests at once, of which many
// are about seconds.
import { createRequire } from 'node:module'
import path from 'node:path'
import readline from 'node:readline'
import { pathToFileURL } from 'node:url'

const [dir, base, size] = process.argv.slice(2)
const load = name => import(pathToFileURL(path.resolve(dir, name)))
const config = await load('client/config.mjs')
const { makeCacheTest, testResults } = await load('client/test.mjs')
const suites = [...(await load('tests/index.mjs')).default, (await load('tests/surrogate-control.mjs')).default]

config.setFetch(createRequire(path.resolve(dir, 'cli.mjs'))('node-fetch'))
config.setBaseUrl(base)
config.setUseBrowserCache(false)

const tests = suites.flatMap(suite => suite.tests).filter(test => test.browser_only !== true)
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
for (let i = 0; i < tests.length; i += Number(size)) {
  await Promise.all(tests.slice(i, i + Number(size)).map(makeCacheTest))
  console.log('next')
  await lines.next()
}
console.log(JSON.stringify(testResults))
process.exit(0)
