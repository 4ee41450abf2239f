import express from 'express'

/** An upstream with a handler that only admins may reach. It says each time that it ran. */

const app = express()

function secret({ url }, response) {
  console.log(`RAN ${url}`)
  response.send('secret')
}

// Express routes without case.
app.use('/admin', secret)
app.get('/me', ({ headers }, response) => response.send(`principal ${headers['x-auth-principal']}`))
// As handlers on Node do, which have only the target of a request.
app.use((request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost')
  if (/^\/admin(?:\/|$)/i.test(pathname)) secret(request, response)
  else response.sendStatus(404)
})
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}/`)
})
