import { createServer } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { auth as expressAuth } from '../../src/express.ts'
import { auth as fastifyAuth } from '../../src/fastify.ts'
import {
  createNodeAuthenticator,
  nodeTransport,
  passWebSockets,
  withUpgradeAuth,
} from '../../src/node.ts'
import { readTextFile } from '../../src/files/text-file.ts'
import { createKey } from '../../src/keys.ts'

const config = { endpoint: 'http://127.0.0.1/' }

function run(versions: Readonly<Record<string, string>>): void {
  vi.stubGlobal('process', Object.create(process, { versions: { value: versions } }))
}

function errorOf(call: () => unknown): unknown {
  try {
    call()
    return undefined
  } catch (error) {
    return error
  }
}

describe.each([
  ['createNodeAuthenticator', () => createNodeAuthenticator(config)],
  ['withUpgradeAuth', () => withUpgradeAuth(() => undefined, config)],
  ['passWebSockets', () => passWebSockets(createServer(), () => new Response())],
  ['nodeTransport', () => nodeTransport()],
  ['auth of with-auth/express', () => expressAuth(config)],
  ['auth of with-auth/fastify', () => fastifyAuth(config)],
])('%s', (_name, call) => {
  it.each(['18.20.8', '20.10.0', '20.18.3'])('says that Node %s is too old', (node) => {
    run({ node })
    expect(call).toThrow(`with-auth needs Node 20.19 or later; this is ${node}`)
  })

  it.each([
    { node: '20.19.0' },
    { node: '22.0.0' },
    { node: '100.0.0-nightly' },
    { node: '18.0.0', bun: '1.2.0' },
    { node: '20.11.1', deno: '2.0.0' },
  ])('works with the versions %j', (versions) => {
    run(versions)
    // nodeTransport() refuses Bun for a reason of its own.
    expect(String(errorOf(call))).not.toContain('needs Node 20')
  })
})

it.each([undefined, {}, { versions: {} }])(
  'a decision needs no version of Node where `process` is %j',
  (runtime) => {
    vi.stubGlobal('process', runtime)
    const make = (): unknown => createNodeAuthenticator(config)
    // Before a failure is shown, which needs the process.
    const problem = errorOf(make)
    vi.unstubAllGlobals()
    expect(problem).toBeUndefined()
  },
)

it('a key cannot be made in a file on a version of Node that lacks even "crypto"', async () => {
  const { pid } = process
  vi.stubGlobal('process', { pid, versions: { node: '18.20.8' } })
  vi.stubGlobal('crypto', undefined)
  await expect(createKey('keys.yaml', { principal: 'alice' })).rejects.toThrow(
    'Cannot read keys.yaml: with-auth needs Node 20.19 or later; this is 18.20.8',
  )
})

it('a file cannot be read on a version of Node that has no way to it', () => {
  const { pid } = process
  vi.stubGlobal('process', { pid, versions: { node: '20.10.0' } })
  expect(() => readTextFile('a', 100)).toThrow(
    'with-auth needs Node 20.19 or later; this is 20.10.0',
  )
})
