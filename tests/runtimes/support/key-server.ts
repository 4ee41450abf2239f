import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, listen } from '../../support/loopback.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The answer of the server. A program changes it by a POST. */
interface State {
  readonly status: number
  readonly keys: readonly object[]
  readonly delayMs: number
}

/**
 * Starts an issuer whose metadata and keys a program on some runtime sets: `POST /state` changes the answer and returns how
 * often the keys were fetched.
 */
export async function startKeyServer() {
  let state: State = { status: 200, keys: [], delayMs: 0 }
  let fetches = 0
  let issuer = ''

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'POST') {
      state = { ...state, ...((await json(request)) as Partial<State>) }
      return send(response, 200, { fetches })
    }
    if (request.url?.startsWith('/.well-known/') === true) {
      return send(response, 200, { issuer, jwks_uri: `${issuer}/jwks` })
    }
    fetches += 1
    const { status, keys, delayMs } = state
    await sleep(delayMs)
    send(response, status, { keys })
  }

  const server = createServer((request, response) => void answer(request, response))
  issuer = `http://127.0.0.1:${await listen(server)}`
  return {
    issuer,
    set: (next: Partial<State>): void => {
      state = { ...state, ...next }
    },
    fetches: (): number => fetches,
    close: () => close(server),
  }
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
