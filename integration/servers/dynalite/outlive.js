'use strict'

// Dynalite throws what befalls a request whose client closes the connection in the middle of it, and what goes wrong inside where a table is
// removed while a request is under way whose caller has given up. That would end the process. A server says so and goes on; but one whose port
// is taken ends.
process.on('uncaughtException', function (error) {
  console.error(error)
  if (error.syscall === 'listen') process.exit(1)
})
