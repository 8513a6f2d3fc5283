// Runs all tests of the given directory, by the programs of the suite, as cli.mjs does, but fewer at a time: after each lot it
// prints a line and waits for one, so that whoever started it can empty the cache in between. A store that takes
// milliseconds for each operation, and more the more it holds, cannot keep up with a hundred tests at once, of which many
// are about seconds.
import fs from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'
import { pathToFileURL } from 'node:url'

const [dir, engine, tests, base, size] = process.argv.slice(2)
const load = (...names) => import(pathToFileURL(path.resolve(dir, ...names)))
const config = await load(engine, 'client/config.mjs')
const { makeCacheTest, makeTest = makeCacheTest, testResults } = await load(engine, 'client/test.mjs')
const suites = [...(await load(tests, 'index.mjs')).default]
if (fs.existsSync(path.resolve(dir, tests, 'surrogate-control.mjs'))) {
  suites.push((await load(tests, 'surrogate-control.mjs')).default)
}

// Older versions take the function that fetches; newer ones have node's own.
if (config.setFetch) config.setFetch((await import('node-fetch')).default)
config.setBaseUrl(base)
config.setUseBrowserCache(false)

const all = suites.flatMap(suite => suite.tests).filter(test => test.browser_only !== true)
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
for (let i = 0; i < all.length; i += Number(size)) {
  await Promise.all(all.slice(i, i + Number(size)).map(test => makeTest(test)))
  console.log('next')
  await lines.next()
}
console.log(JSON.stringify(testResults))
process.exit(0)
