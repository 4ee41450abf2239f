import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { runtimeFetch } from '../../src/dispatcher/node-fetch.ts'
import { nodeTransport } from '../../src/node.ts'
import { readSecureContexts } from '../../src/node/secure-context.ts'
import { ROTATED, SELF_SIGNED } from '../support/self-signed-certificate.ts'
import { BODY, LATE_MS, read, run } from '../support/tcp-endpoint.ts'
import type { RequestListener } from 'node:http'
import type { ServerOptions } from 'node:https'
import type { Transport } from '../../src/index.ts'
import type { NodeTransportOptions } from '../../src/node.ts'

function fail(): never {
  throw new Error('hunter2')
}

function identity(value: unknown): unknown {
  return value
}

describe('nodeTransport over TLS', () => {
  const { cert, key } = SELF_SIGNED
  const hello: RequestListener = (_request, response) => response.end('{}')

  const call = (port: number, transport: Transport, signal = AbortSignal.timeout(LATE_MS)) => {
    const init = { method: 'POST', headers: {}, body: BODY, redirect: 'manual' } as const
    return transport(`https://localhost:${port}/`, { ...init, signal })
  }

  async function ask(server: ServerOptions, options: NodeTransportOptions): Promise<number> {
    return askBy(nodeTransport(options), server)
  }

  async function askBy(transport: Transport, server: ServerOptions): Promise<number> {
    const { port } = await run(createHttpsServer({ cert, key, ...server }, hello))
    const response = await call(port, transport)
    await read(response)
    return response.status
  }

  it('trusts the authorities in `ca` only', async () => {
    expect(await ask({}, { ca: cert })).toBe(200)
    await expect(ask({}, {})).rejects.toThrow('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  it.each([{ ca: Buffer.from(cert) }, { ca: [ROTATED.cert, new TextEncoder().encode(cert)] }])(
    'takes authorities in bytes, and several of them',
    async (options) => {
      expect(await ask({}, options)).toBe(200)
    },
  )

  it('sends the client certificate to a server that requests it', async () => {
    const strict = { requestCert: true, rejectUnauthorized: true, ca: cert }
    expect(await ask(strict, { ca: cert, cert, key })).toBe(200)
    await expect(ask(strict, { ca: cert })).rejects.toThrow('No whole response')
  })

  describe('with functions', () => {
    it('reads the certificates for each new connection, so that a rotated file needs no restart', async () => {
      let pair = SELF_SIGNED
      const transport = nodeTransport({
        ca: () => [pair.cert],
        cert: () => Buffer.from(pair.cert),
        key: () => pair.key,
      })
      const askServer = (own: typeof pair): Promise<number> =>
        askBy(transport, { ...own, requestCert: true, rejectUnauthorized: true, ca: own.cert })
      expect(await askServer(SELF_SIGNED)).toBe(200)
      await expect(askServer(ROTATED)).rejects.toThrow('No whole response')
      pair = ROTATED
      expect(await askServer(ROTATED)).toBe(200)
      await expect(askServer(SELF_SIGNED)).rejects.toThrow('No whole response')
      await transport.close()
    })

    it('trusts the authorities of Node if it gets no certificates', () => {
      expect(readSecureContexts({})).toBeUndefined()
    })

    it('makes a new context only for other certificates, and none of a key that does not fit', () => {
      let pair = SELF_SIGNED
      const contexts = readSecureContexts({
        ca: () => [pair.cert],
        cert: () => Buffer.from(pair.cert),
        key: () => pair.key,
      })
      const first = contexts?.()
      expect(contexts?.()).toBe(first)
      pair = ROTATED
      const second = contexts?.()
      expect(second).not.toBe(first)
      expect(contexts?.()).toBe(second)
      pair = { cert: SELF_SIGNED.cert, key: ROTATED.key }
      for (let time = 0; time < 2; time += 1) {
        expect(contexts).toThrow('the private key of "nodeTransport.cert", not encrypted')
      }
      pair = SELF_SIGNED
      expect(contexts?.()).toHaveProperty('context')
    })

    it.each<[string, () => string]>([
      ['throws', fail],
      ['returns no certificate', () => 'hunter2'],
      ['returns nothing', () => undefined as unknown as string],
      ['rejects', () => Promise.reject(new Error('hunter2')) as unknown as string],
    ])(
      'fails only the calls while `ca` %s, and the error does not show what it returned',
      async (_how, broken) => {
        let ca = (): string => cert
        const transport = nodeTransport({ ca: () => ca() })
        const { port } = await run(createHttpsServer({ cert, key }, hello))
        const askAgain = async (): Promise<string> => read(await call(port, transport))
        ca = broken
        const errors = await Promise.all([askAgain().catch(identity), askAgain().catch(identity)])
        for (const error of errors) expect(String(error)).toContain('CERT_UNREADABLE')
        expect(inspect(errors, { depth: null, showHidden: true })).not.toContain('hunter2')
        ca = () => cert
        expect(await askAgain()).toBe('{}')
      },
    )
  })

  it('has an id that is equal for the same authorities and the same client, and shows no key', () => {
    const idOf = (options: NodeTransportOptions = {}) => nodeTransport(options).id
    expect(idOf({ connections: 2 })).toBe(runtimeFetch.id)
    expect(idOf({ ca: [Buffer.from(cert)] })).toBe(idOf({ ca: cert, connections: 2 }))
    const different = [
      {},
      { ca: cert },
      { ca: ROTATED.cert },
      { ca: [cert, ROTATED.cert] },
      { cert, key },
      { ca: cert, cert, key },
    ]
    const ids = different.map(idOf)
    expect(new Set(ids).size).toBe(different.length)
    for (const id of ids.slice(1)) expect(id).toMatch(/^tls [\da-f]{64}$/)
  })

  it.each<[string, NodeTransportOptions]>([
    ['`ca`', { ca: () => cert }],
    ['`cert`', { ca: cert, cert: () => cert, key }],
    ['`key`', { ca: cert, cert, key: () => key }],
    ['a dispatcher', { dispatcher: { dispatch: () => true } }],
  ])('has no id where %s of the application decides whom it trusts', (_what, options) => {
    expect(nodeTransport(options)).not.toHaveProperty('id')
  })

  it('ends a handshake that takes too long', async () => {
    const { port, sockets } = await run(createTcpServer((socket) => socket.resume()))
    const transport = nodeTransport({ connectTimeoutMs: 50 })
    const { signal } = new AbortController()
    await expect(call(port, transport, signal)).rejects.toThrow('UND_ERR_CONNECT_TIMEOUT')
    await expect.poll(() => sockets.size, { timeout: LATE_MS }).toBe(0)
  })
})
