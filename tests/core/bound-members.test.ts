import { expect, it, vi } from 'vitest'
import { boundMembers } from '../../src/core/with-auth.ts'
import { words } from '../support/words.ts'

class Base {
  inherited(): string {
    return 'serving'
  }
  queue(): string {
    return 'base'
  }
}

class Server extends Base {
  #hits = 0
  port = 3000
  handler: (() => string) | undefined = undefined
  arrow = (): string => 'serving'
  fetch(): string {
    return 'open'
  }
  scheduled(): number {
    this.#hits += 1
    return this.#hits
  }
  override queue(): string {
    return `${super.queue()} and server`
  }
  get hits(): number {
    return this.#hits
  }
  get lazy(): () => string {
    return () => 'serving'
  }
}

function membersOf(server: Server): Server {
  return boundMembers(server) as Server
}

it.each(words('scheduled queue email tail tailStream trace error onListen onError'))(
  'keeps %s, which a server calls without a request, with the original as this',
  (name) => {
    const original = {
      [name](this: unknown, ...args: unknown[]) {
        return [this, ...args]
      },
    }
    const members = boundMembers(original) as Record<string, (...args: unknown[]) => unknown>
    expect(members[name]?.(1, 2)).toEqual([original, 1, 2])
  },
)

it('keeps an inherited callback, and private state with it', () => {
  const server = new Server()
  const members = membersOf(server)
  expect(members.scheduled()).toBe(1)
  expect(server.scheduled()).toBe(2)
  expect(members.hits).toBe(2)
  expect(members.queue()).toBe('base and server')
})

it('gives itself where a method that has the name of a callback returns the app', () => {
  const app = { onError: () => app, error: () => ({ app }) }
  const members = boundMembers(app) as typeof app
  expect(members.onError()).toBe(members)
  expect(members.error()).toEqual({ app })
})

it('reads other members from the original when they are asked for', () => {
  const server = new Server()
  const members = membersOf(server)
  server.port = 4000
  expect(members.port).toBe(4000)
})

it.each(['listen', 'fire', 'handle', 'request', 'get', 'mount', 'connect', 'test'])(
  'has a %s that throws, since it may serve the original',
  (name) => {
    const serve = vi.fn(() => 'serving')
    const members = boundMembers({ fetch: () => 'open', [name]: serve })
    expect(Reflect.get(members, name)).toThrow(TypeError)
    expect(Reflect.get(members, name)).toThrow(
      `"${name}" could serve the app without the guard: serve, test and call the guarded "fetch"`,
    )
    expect(serve).not.toHaveBeenCalled()
  },
)

it('has no function of a class that may serve, and none that comes later or out of a getter', () => {
  const server = new Server()
  const members = membersOf(server)
  for (const name of ['inherited', 'arrow', 'lazy']) {
    expect(Reflect.get(members, name)).toThrow(`"${name}" could serve`)
  }
  expect(members.handler).toBeUndefined()
  server.handler = () => 'serving'
  expect(members.handler).toThrow('"handler" could serve')
  expect(members.handler).toBe(members.handler)
})

it('leaves out functions that symbols name, so that runtimes do not call what throws', () => {
  const symbol = Symbol('inspect')
  const members = boundMembers({ [symbol]: () => 'serving' })
  expect(Reflect.get(members, symbol)).toBeUndefined()
})

it('leaves fetch and constructor to the caller, and Object.prototype alone', () => {
  const members = membersOf(new Server())
  expect(Object.hasOwn(members, 'fetch')).toBe(false)
  expect(Object.hasOwn(members, 'constructor')).toBe(false)
  expect(Object.hasOwn(members, 'toString')).toBe(false)
})

it('keeps own members enumerable, inherited ones not, and symbols too', () => {
  const symbol = Symbol('own')
  const members = boundMembers(Object.assign(new Server(), { [symbol]: 5 }))
  expect(new Set(Object.keys(members))).toEqual(new Set(['arrow', 'handler', 'port']))
  expect(Reflect.get(members, symbol)).toBe(5)
})

it('works for objects without a prototype and for frozen ones', () => {
  const bare = Object.assign(Object.create(null) as object, { a: 1, fetch: () => 'open' })
  expect(boundMembers(bare)).toEqual({ a: 1 })
  expect(boundMembers(Object.freeze({ b: 2 }))).toEqual({ b: 2 })
})

it('can be changed and wrapped like those of any object', () => {
  const members = membersOf(new Server())
  members.scheduled = () => 7
  expect(members.scheduled()).toBe(7)
  expect(Reflect.deleteProperty(members, 'scheduled')).toBe(true)
  expect(Reflect.deleteProperty(members, 'port')).toBe(true)
  expect(Object.keys(members)).toEqual(['handler', 'arrow'])
})

it('takes nothing from a function that an object inherits from', () => {
  const named = Object.create(() => 'called') as object
  expect(Reflect.ownKeys(boundMembers(Object.assign(named, { a: 1 })))).toEqual(['a'])
})
