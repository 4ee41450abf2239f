import { createRequire } from 'node:module'
import { afterEach, expect, it } from 'vitest'
import { redisStore } from '../../src/redis.ts'
import { redisStore as storeOnWorkers } from '../../src/redis/workerd.ts'

/** The package that a store needs, where it is too old or missing. */

const { cache, resolve } = createRequire(import.meta.url)
const MANIFEST = resolve('@redis/client/package.json')
const installed = cache[MANIFEST]

afterEach(() => {
  if (installed === undefined) Reflect.deleteProperty(cache, MANIFEST)
  else cache[MANIFEST] = installed
})

/** Makes `require` find this manifest from now on. */
function install(read: () => unknown): void {
  const found = Object.defineProperty({ children: [], loaded: true }, 'exports', { get: read })
  Reflect.set(cache, MANIFEST, found)
}

function thrownBy(run: () => void): unknown {
  try {
    run()
    return 'nothing'
  } catch (error) {
    return error
  }
}

const makeStore = (): void => redisStore({ url: 'redis://127.0.0.1' }).stop()
const problem = (why: string): string =>
  `AuthConfigError: "store" must be used with the package "@redis/client" 6.3 or later, ${why}: npm install @redis/client@6`

it.each(['1.10.0', '5.9.0', '6.2.9'])('refuses the package in version %s', (version) => {
  install(() => ({ version }))
  expect(String(thrownBy(makeStore))).toBe(problem(`found ${version}`))
})

it.each(['6.3.0', '6.10.1', '7.0.0', '10.0.0'])('takes the package in version %s', (version) => {
  install(() => ({ version }))
  expect(thrownBy(makeStore)).toBe('nothing')
})

it('says how to install the package where it is missing', () => {
  install(() => {
    throw new Error('Cannot find module')
  })
  expect(String(thrownBy(makeStore))).toBe(problem('which is not installed'))
})

it('says on Workers what to do without a store', () => {
  const advice =
    '"store" must be left out on Workers, where no instance hears of the others: set the "allowTtlMs" of the cache to 1000, and reach the endpoint by a service binding'
  expect(String(thrownBy(storeOnWorkers))).toBe(`AuthConfigError: ${advice}`)
  expect(thrownBy(storeOnWorkers)).toMatchObject({ option: 'store' })
})
