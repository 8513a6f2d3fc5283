// Loaded before the suite's programs (node --import): a package that the suite's own directory lacks is looked for where
// the pinned suite is installed. So a bare checkout of the suite runs, and nothing is written to it.
import { register } from 'node:module'
import { pathToFileURL } from 'node:url'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) register(import.meta.url) // node calls resolve on a thread of its own

export async function resolve (specifier, context, next) {
  try {
    return await next(specifier, context)
  } catch (missing) {
    const installed = pathToFileURL(process.env.CONFORMANCE_MODULES + '/').href
    if (missing.code !== 'ERR_MODULE_NOT_FOUND' || /^[./]|^file:/.test(specifier)) throw missing
    return next(specifier, { ...context, parentURL: installed })
  }
}
