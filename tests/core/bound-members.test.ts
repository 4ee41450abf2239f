import { expect, it } from 'vitest'
import { boundMembers } from '../../src/core/bound-members.ts'

class Base {
  inherited(): string {
    return 'inherited'
  }
  overridden(): string {
    return 'base'
  }
}

class Server extends Base {
  #hits = 0
  port = 3000
  arrow = (): number => this.#hits
  fetch(): string {
    return 'open'
  }
  hit(): number {
    this.#hits += 1
    return this.#hits
  }
  override overridden(): string {
    return `${super.overridden()} and server`
  }
  get hits(): number {
    return this.#hits
  }
}

function membersOf(server: Server): Server {
  return boundMembers(server) as Server
}

it('keeps methods of the whole chain, with the original as this', () => {
  const server = new Server()
  const members = membersOf(server)
  expect(members.hit()).toBe(1)
  expect(server.hit()).toBe(2)
  expect(members.arrow()).toBe(2)
  expect(members.hits).toBe(2)
  expect(members.inherited()).toBe('inherited')
  expect(members.overridden()).toBe('base and server')
})

it('reads other members from the original when they are asked for', () => {
  const server = new Server()
  const members = membersOf(server)
  server.port = 4000
  expect(members.port).toBe(4000)
})

it('refuses to serve the original, whose fetch asks nobody', () => {
  const members = boundMembers({
    fetch: () => 'open',
    listen: () => 'serving',
    fire: () => 'serving',
  })
  for (const name of ['listen', 'fire']) {
    expect(Reflect.get(members, name)).toThrow(`"${name}" would serve the app without the guard`)
  }
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
  expect(new Set(Object.keys(members))).toEqual(new Set(['arrow', 'port']))
  expect(Reflect.get(members, symbol)).toBe(5)
})

it('works for objects without a prototype and for frozen ones', () => {
  const bare = Object.assign(Object.create(null) as object, { a: 1, fetch: () => 'open' })
  expect(boundMembers(bare)).toEqual({ a: 1 })
  expect(boundMembers(Object.freeze({ b: 2 }))).toEqual({ b: 2 })
})

it('can be changed and wrapped like those of any object', () => {
  const members = membersOf(new Server())
  members.hit = () => 7
  expect(members.hit()).toBe(7)
  expect(Reflect.deleteProperty(members, 'hit')).toBe(true)
  expect(Reflect.deleteProperty(members, 'port')).toBe(true)
  expect(Object.keys(members)).toEqual(['arrow'])
})

it('takes nothing from a function that an object inherits from', () => {
  const named = Object.create(() => 'called') as object
  expect(Reflect.ownKeys(boundMembers(Object.assign(named, { a: 1 })))).toEqual(['a'])
})
