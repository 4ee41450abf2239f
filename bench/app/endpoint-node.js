// An auth endpoint on Node that allows every token but a random one. It takes the POST of the contract and the GET of nginx.
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

const delay = Number(process.argv[2] ?? 0)

async function answer(request, response) {
  const token =
    request.method === 'POST'
      ? JSON.parse(await text(request)).api_key
      : request.headers.authorization
  if (delay > 0) await sleep(delay)
  response.writeHead(token?.includes('good') ? 200 : 401)
  response.end(request.method === 'POST' ? '{"principal":"ada"}' : undefined)
}

const server = createServer((request, response) => void answer(request, response))
server.listen(0, '127.0.0.1', () => console.error(`Listening on ${server.address().port}`))
