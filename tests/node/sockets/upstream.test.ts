import { once } from 'node:events'
import { createServer } from 'node:https'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { shakeHands } from '../../../src/node/sockets/upstream.ts'
import { startRawUpstream } from '../../support/raw-upstream.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { accept, KEY } from '../../support/socket-gateway.ts'
import { run } from '../../support/tcp-endpoint.ts'
import type { RawUpstream } from '../../support/raw-upstream.ts'
import type { Switched } from '../../../src/node/sockets/upstream.ts'

/** The handshake with an upstream. tests/gateway-websockets.test.ts has what a client sees of it. */

let upstream: RawUpstream
let controller: AbortController
let kept: Switched[]
beforeEach(async () => {
  upstream = await startRawUpstream((call) => accept(call))
  controller = new AbortController()
  kept = []
})
afterEach(() => {
  for (const { socket } of kept) socket.destroy()
  return upstream.close()
})

function shake(url = `${upstream.url}/`) {
  return shakeHands(
    url,
    {
      method: 'GET',
      headers: new Headers({ 'sec-websocket-key': KEY }),
      ownHeaders: [],
      body: null,
      duplex: 'half',
      redirect: 'manual',
      signal: controller.signal,
    },
    (switched) => void kept.push(switched),
  )
}

it('goes over TLS to an https upstream', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  // Node warns of this setting.
  vi.spyOn(process, 'emitWarning').mockReturnValue()
  const { key, cert } = SELF_SIGNED
  const server = createServer({ key, cert }, (_request, response) => response.end('no'))
  const { port } = await run(server)
  const { status, body } = await shake(`https://localhost:${port}/`)
  expect(status).toBe(200)
  expect(await new Response(body).text()).toBe('no')
})

it('rejects a 101 of no WebSocket, and says why', async () => {
  const play = ['HTTP/1.1 101 Switching', 'Connection: Upgrade', 'Upgrade: h2c', '', '']
  upstream.plan('/', ({ socket }) => socket.write(play.join('\r\n')))
  await expect(shake()).rejects.toMatchObject({ code: 'NO_WEBSOCKET' })
  expect(kept).toEqual([])
})

it('sends nothing for a client that has left already', async () => {
  controller.abort()
  await expect(shake()).rejects.toThrow('Aborted')
  expect(upstream.calls).toEqual([])
})

it('keeps a WebSocket open, whatever the signal of its handshake does later', async () => {
  expect(await shake()).toMatchObject({ status: 101, statusText: '', body: null })
  controller.abort()
  const [switched] = kept
  await new Promise((resolve) => setTimeout(resolve, 20))
  expect(switched?.socket.destroyed).toBe(false)
})

it('ends a WebSocket that breaks before anyone else listens to it', async () => {
  await shake()
  const [switched] = kept
  switched?.socket.emit('error', new Error('reset'))
  expect(switched?.socket.destroyed).toBe(true)
  if (switched?.socket.closed === false) await once(switched.socket, 'close')
})
