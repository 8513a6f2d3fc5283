// Loaded before the suite's server (node --require), which takes no address to listen on and would listen on all of
// them. It also ends the server when its standard input closes, so that it never outlives the run that started it.
'use strict'

const net = require('node:net')

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  const [port, host] = args
  if (/^\d+$/.test(String(port)) && typeof host !== 'string') args.splice(1, 0, '127.0.0.1')
  return listen.apply(this, args)
}

process.stdin.on('end', () => process.exit()).resume()
