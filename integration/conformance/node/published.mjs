// Prints, as JSON, what the suite that the given directory holds has published of caches: name, version and results of each.
import fs from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const dir = path.resolve(process.argv[2], 'results')
const caches = (await import(pathToFileURL(path.join(dir, 'index.mjs')))).default

console.log(JSON.stringify(caches.map(({ name, type, version, file }) => ({
  name, type, version, results: JSON.parse(fs.readFileSync(path.join(dir, file), 'utf8'))
}))))
