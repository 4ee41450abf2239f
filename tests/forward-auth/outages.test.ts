/** @module-tag slow */
import { createServer } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { forwardAuthCommand } from '../../src/cli/commands/forward-auth.ts'
import { startEndpointWithKeys } from '../support/auth-endpoint.ts'
import { whyMissing } from '../support/installed.ts'
import { close, findFreePort, listen } from '../support/loopback.ts'
import { PROGRAMS, startApp, startProxy } from './proxied-app.ts'
import { serveCommand, stopCommands } from '../support/served-command.ts'
import { TOKEN } from '../support/token.ts'
import type { RequestListener } from 'node:http'
import type { TestedProxy } from './proxied-app.ts'

/** What the proxies do when forward auth does not answer, or something else answers in its place. */

const KEY = `sk-${TOKEN}`
const UNREACHABLE =
  '{"error":{"message":"Authentication service unavailable","type":"api_error","code":"unreachable"}}'

describe.each(['nginx', 'caddy', 'haproxy'] as const)('%s', (proxy: TestedProxy) => {
  const missing = whyMissing(...PROGRAMS[proxy])

  describe.skipIf(missing !== undefined)(
    `without with-auth${missing === undefined ? '' : `: ${missing}`}`,
    () => {
      let ends: (() => Promise<unknown>)[] = []
      afterEach(async () => {
        await Promise.all(ends.map((end) => end()))
        ends = []
        await stopCommands()
      })

      async function startIn(auth: number) {
        const app = await startApp()
        const front = await startProxy(proxy, { auth, app: app.port })
        ends.push(app.close, front.stop)
        return async () => {
          const headers = { authorization: `Bearer ${KEY}`, 'x-auth-principal': 'root' }
          const response = await fetch(`${front.url}/a`, { headers })
          const { status } = response
          return { status, response, body: await response.text(), reached: app.reached.length }
        }
      }

      async function startWith(answer: RequestListener) {
        const server = createServer(answer)
        ends.push(() => close(server))
        return startIn(await listen(server))
      }

      it('answers 503 if nothing listens', async () => {
        // A free port could become the port of the application.
        const ask = await startIn(1)
        const { response, ...got } = await ask()
        expect(got).toEqual({ status: 503, body: UNREACHABLE, reached: 0 })
        expect(response.headers.get('content-type')).toBe('application/json')
        expect(response.headers.get('cache-control')).toBe('no-store')
      })

      it.each<[string, RequestListener]>([
        ['accepts the connection and never answers', () => undefined],
        ['breaks off', ({ socket }) => socket.destroy()],
      ])('answers 503 if it %s', async (_what, answer) => {
        const { status, body, reached } = await (await startWith(answer))()
        expect({ status, body, reached }).toEqual({ status: 503, body: UNREACHABLE, reached: 0 })
      })

      it.runIf(proxy === 'haproxy')('passes nothing on after a 200 without identity', async () => {
        const ask = await startWith((_, response) => void response.writeHead(200).end())
        expect(await ask()).toMatchObject({ status: 503, reached: 0 })
      })

      it.runIf(proxy === 'haproxy')('answers 503 after an error in the script', async () => {
        const app = await startApp()
        const front = await startProxy(proxy, { auth: 1, app: app.port }, (config) =>
          config.replace(/(function\(txn, url\)\n)/, '$1  error("a bug")\n'),
        )
        ends.push(app.close, front.stop)
        expect((await fetch(`${front.url}/a`)).status).toBe(503)
        expect(app.reached).toEqual([])
      })

      it.each([301, 404, 500])('passes nothing on if another server answers %i', async (code) => {
        const ask = await startWith(
          (_, response) => void response.writeHead(code).end('of another'),
        )
        const { status, reached } = await ask()
        expect(status).toBeGreaterThanOrEqual(300)
        expect(reached).toBe(0)
      })

      it('serves nothing if it is started for another proxy', async () => {
        const endpoint = await startEndpointWithKeys({ [KEY]: 'alice' })
        ends.push(endpoint.close)
        const other = proxy === 'nginx' ? 'caddy' : 'nginx'
        const env = { AUTH_ENDPOINT: endpoint.url }
        const command = serveCommand(forwardAuthCommand, ['--for', other], env)
        const ask = await startIn(Number(new URL(await command.listening()).port))
        const { status, reached } = await ask()
        // nginx finds no X-Auth-Error in an answer for another proxy.
        expect({ status, reached }).toEqual({ status: proxy === 'nginx' ? 503 : 500, reached: 0 })
        expect(command.logged('failure')).toHaveLength(1)
      })

      it('serves again once with-auth is there', async () => {
        const port = await findFreePort()
        const ask = await startIn(port)
        expect((await ask()).status).toBe(503)
        const server = createServer((_, response) => {
          const identity = {
            'x-auth-principal': 'alice',
            'x-auth-attributes': '{}',
            'x-auth-tenant': '',
            'x-auth-scopes': '',
            'x-auth-client': '',
          }
          response.writeHead(200, identity).end()
        })
        await listen(server, port)
        ends.push(() => close(server))
        expect(await ask()).toMatchObject({ status: 200, reached: 1 })
      })
    },
  )
})
