import { createRequire } from 'node:module'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Agent } from 'undici'
import { openAgent } from '../../src/node/undici.ts'
import { AuthConfigError } from '../../src/index.ts'
import type { SecureContext } from 'node:tls'

// `tests/package.test.ts` tests a missing and an old undici with the packed package.

const require = createRequire(import.meta.url)
const originals = new Map<string, NodeJS.Module | undefined>()

/** Replaces a module of undici until the end of the test, or makes it fail. */
function replace(name: string, load: () => unknown): void {
  const file = require.resolve(name)
  if (!originals.has(file)) originals.set(file, require.cache[file])
  const replacement = Object.create(originals.get(file) ?? null, {
    exports: { get: load },
    loaded: { value: true },
  }) as NodeJS.Module
  require.cache[file] = replacement
}

function fail(): never {
  throw new Error('/home/of/somebody')
}

afterEach(() => {
  for (const [file, original] of originals) {
    if (original === undefined) delete require.cache[file]
    else require.cache[file] = original
  }
  originals.clear()
})

describe('openAgent', () => {
  it('creates an agent of undici', () => {
    expect(openAgent({ connectTimeoutMs: 1000 })).toBeInstanceOf(Agent)
  })

  it.each(['7.28.0', '7.30.2', '8.5.0', '8.13.1', '9.0.0'])('accepts undici %s', (version) => {
    replace('undici/package.json', () => ({ version }))
    expect(openAgent({ connectTimeoutMs: 1000 })).toBeInstanceOf(Agent)
  })

  it('leaves time limits to the signal of each call, and passes only given options', () => {
    const Told = vi.fn<(options: object) => void>()
    replace('undici', () => ({ Agent: Told }))
    const secureContexts = (): SecureContext => ({ context: {} })
    openAgent({ connectTimeoutMs: 1 })
    openAgent({ connectTimeoutMs: 2, connections: 3, secureContexts })
    const always = { allowH2: false, pipelining: 1, headersTimeout: 0, bodyTimeout: 0 }
    expect(Told.mock.calls).toStrictEqual([
      [{ ...always, connect: { timeout: 1 } }],
      [{ ...always, connect: expect.any(Function) as unknown, connections: 3 }],
    ])
  })

  it('connects over HTTP/1.1 with a time limit, and creates a connector for each context', () => {
    const Told = vi.fn<(options: { connect: (...args: unknown[]) => void }) => void>()
    const connect = vi.fn<(...args: unknown[]) => void>()
    const buildConnector = vi.fn<(options: object) => typeof connect>(() => connect)
    replace('undici', () => ({ Agent: Told, buildConnector }))
    const contexts = [{ context: 1 }, { context: 2 }] as const
    let secureContext: SecureContext = contexts[0]
    openAgent({ connectTimeoutMs: 7, secureContexts: () => secureContext })
    const open = Told.mock.calls[0]?.[0].connect
    const given = [{ host: 'h' }, () => undefined]
    open?.(...given)
    open?.(...given)
    secureContext = contexts[1]
    open?.(...given)
    expect(connect.mock.calls).toEqual([given, given, given])
    expect(buildConnector.mock.calls).toStrictEqual(
      contexts.map((context) => [{ allowH2: false, timeout: 7, secureContext: context }]),
    )
  })

  it.each([
    [
      'is not installed',
      () => replace('undici/package.json', fail),
      'the package "undici" is not installed: npm install undici@7',
    ],
    ...['0.0.0', '6.28.1', '7.27.2', '8.4.1', 'latest'].map(
      (version): [string, () => void, string] => [
        `is too old: ${version}`,
        () => replace('undici/package.json', () => ({ version })),
        `it needs undici 7.28 or later, or 8.5 or later, found ${version}: npm install undici@7`,
      ],
    ),
    [
      'does not load',
      () => {
        replace('undici/package.json', () => ({ version: '9.0.0' }))
        replace('undici', fail)
      },
      `undici 9 does not load on Node ${process.versions.node}: npm install undici@7`,
    ],
    [
      'is on Bun',
      () => vi.stubGlobal('process', { versions: { bun: '1.0.0' } }),
      'it needs Node. On Bun leave "fetch" out: its own fetch is as fast',
    ],
  ])('says what to do if undici %s', (_how, prepare, why) => {
    prepare()
    let error: unknown
    try {
      openAgent({ connectTimeoutMs: 1 })
    } catch (thrown) {
      error = thrown
    }
    vi.unstubAllGlobals()
    expect(error).toBeInstanceOf(AuthConfigError)
    expect(error).toMatchObject({
      option: 'fetch',
      message: `nodeTransport() cannot be used: ${why}`,
    })
  })
})
