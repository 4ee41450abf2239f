import { once } from 'node:events'
import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { getAuth, withAuth } from 'with-auth'
import { nodeTransport } from 'with-auth/node'

const STATUSES = { good: 200, bad: 401, sent: 302, broken: 500 }

const server = createServer((request, response) => void answer(request, response))

server.listen(0, '127.0.0.1')
await once(server, 'listening')
try {
  console.log(JSON.stringify(await askAll()))
} catch ({ name, message }) {
  console.log(JSON.stringify({ name, message }))
}
server.closeAllConnections?.()
server.close()

async function askAll() {
  const guarded = withAuth((request) => new Response(getAuth(request).principal), {
    endpoint: `http://127.0.0.1:${server.address().port}/`,
    fetch: nodeTransport(),
  })
  const answers = {}
  for (const key of Object.keys(STATUSES)) {
    const headers = { authorization: `Bearer ${key}` }
    const response = await guarded(new Request('http://api.example.test/', { headers }))
    const text = await response.text()
    answers[key] = response.status === 200 ? text : JSON.parse(text).error.code
  }
  return answers
}

/** Answers by the key alone. */
async function answer(request, response) {
  const { api_key: key } = await json(request)
  const location = `http://${request.headers.host}/`
  response.writeHead(STATUSES[key], { location }).end(JSON.stringify({ principal: 'alice' }))
}
