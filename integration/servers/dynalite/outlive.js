'use strict'

// Dynalite throws what befalls a request whose client closes the connection in the middle of it, which would end the process. A server goes
// on, as DynamoDB does. Everything else ends it, as it would without this file.
process.on('uncaughtException', function (error) {
  if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return
  console.error(error)
  process.exit(1)
})
