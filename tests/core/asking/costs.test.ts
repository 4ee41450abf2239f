import { promiseHooks } from 'node:v8'
import { expect, it, vi } from 'vitest'
import { memoryCache, withAuth } from '../../../src/index.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig, Transport } from '../../../src/index.ts'

/** Counts what one new token costs, apart from the request to the endpoint. A change that adds to it fails here. */

const BODY = new TextEncoder().encode('{"principal":"alice"}')
interface Costs {
  promises: number
  clock: number
  timers: number
  controllers: number
  listeners: number
  writes: number
}

/** A transport that answers at once. */
function answering(): { readonly fetch: Transport; readonly promises: () => number } {
  let promises = 0
  const headers = new Headers({ 'content-length': String(BODY.byteLength) })
  const settled = <Value>(value: Value): Promise<Value> => {
    promises += 1
    return Promise.resolve(value)
  }
  const arrayBuffer = () => settled(BODY.buffer)
  const fetch = () => settled({ status: 200, headers, body: null, arrayBuffer })
  return { fetch, promises: () => promises }
}

/** Lets a function count its calls. Returns what undoes that. */
function counting(owner: object, name: string, note: () => void): () => void {
  const original: unknown = Reflect.get(owner, name)
  if (typeof original !== 'function') throw new TypeError(`No function: ${name}`)
  Reflect.set(
    owner,
    name,
    new Proxy(original, {
      apply: (target, self, args) => {
        note()
        return Reflect.apply(target, self, args)
      },
      construct: (target, args) => {
        note()
        return Reflect.construct(target, args) as object
      },
    }),
  )
  return () => void Reflect.set(owner, name, original)
}

/** Counts what is made while it runs. */
async function count(run: () => unknown): Promise<Costs> {
  const costs = { promises: 0, clock: 0, timers: 0, controllers: 0, listeners: 0, writes: 0 }
  const note = (what: keyof Costs) => (): void => {
    costs[what] += 1
  }
  // An async function and `new Promise` make a promise without a parent. Each `then` makes one too, and an `await` calls none.
  const undo = [
    promiseHooks.onInit((_promise, parent) => {
      if (parent === undefined) costs.promises += 1
    }),
    counting(Promise.prototype, 'then', note('promises')),
    counting(performance, 'now', note('clock')),
    counting(globalThis, 'setTimeout', note('timers')),
    counting(globalThis, 'AbortController', note('controllers')),
    counting(EventTarget.prototype, 'addEventListener', note('listeners')),
    ...[Map.prototype, WeakMap.prototype].map((map) => counting(map, 'set', note('writes'))),
    ...[Set.prototype, WeakSet.prototype].map((set) => counting(set, 'add', note('writes'))),
    ...[Map.prototype, WeakMap.prototype, Set.prototype].map((map) =>
      counting(map, 'delete', note('writes')),
    ),
  ]
  try {
    await run()
  } finally {
    for (const one of undo) one()
  }
  return costs
}

it.each<[string, AuthConfig, number]>([
  ['without a cache', {}, 5],
  ['with a cache', { cache: memoryCache() }, 6],
])(
  'a new token costs few promises, one timer, one signal and few writes to maps: %s',
  async (_what, options, writes) => {
    const { fetch, promises } = answering()
    vi.stubGlobal('fetch', fetch)
    const response = new Response('ok')
    const guarded = withAuth(() => response, {
      endpoint: 'https://auth.example.test/validate',
      context: { headers: [], params: 'none', path: false },
      ...options,
    })
    const least: Costs[] = []
    for (let turn = 0; turn < 8; turn += 1) {
      const request = get('/', `token-${turn}`)
      const before = promises()
      const costs = await count(() => guarded(request))
      least.push({ ...costs, promises: costs.promises - (promises() - before) })
    }
    vi.unstubAllGlobals()
    const of = (name: keyof Costs): number => Math.min(...least.map((costs) => costs[name]))
    expect(of('promises')).toBeLessThanOrEqual(8)
    expect(of('clock')).toBeLessThanOrEqual(3)
    expect([of('timers'), of('controllers')]).toEqual([1, 1])
    expect(of('listeners')).toBeLessThanOrEqual(1)
    expect(of('writes')).toBeLessThanOrEqual(writes)
  },
)
