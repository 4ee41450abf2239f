import { inspect } from 'node:util'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { kindOf } from '../../../src/core/redaction.ts'
import { AuthConfigError } from '../../../src/core/errors.ts'
import {
  createChannel,
  createConsole,
  observeWithRequest,
  reportConfigError,
} from '../../../src/core/response/events.ts'
import type { AuthEvent, NoticeEvent } from '../../../src/index.ts'

type Observer = (event: AuthEvent) => void

const event: NoticeEvent = { type: 'warning', message: 'careful' }
const bug = new RangeError('sk-secret')

beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined))

describe('a channel', () => {
  it('writes to the console that the store is lost, and not that it is live', () => {
    const { notify } = createChannel(undefined, createConsole())
    notify({ type: 'store', state: 'live' })
    notify({ type: 'store', state: 'lost', cause: 'ECONNREFUSED' })
    expect(vi.mocked(console.error).mock.calls).toEqual([['with-auth: store lost: ECONNREFUSED']])
  })

  it('writes notices to the console without an observer, and makes no report', () => {
    const { report, notify } = createChannel(undefined, createConsole())
    expect(report).toBeUndefined()
    notify(event)
    expect(console.error).toHaveBeenCalledExactlyOnceWith('with-auth: careful')
  })

  it('tells an observer, which cannot change what others are told, and writes nothing', () => {
    const onEvent = vi.fn<Observer>()
    const { report, notify } = createChannel(onEvent, createConsole())
    report?.({ ...event })
    notify({ ...event })
    expect(onEvent.mock.calls).toEqual([[event], [event]])
    expect(Object.isFrozen(onEvent.mock.calls[0]?.[0])).toBe(true)
    expect('error' in (onEvent.mock.calls[0]?.[0] ?? {})).toBe(false)
    expect(console.error).not.toHaveBeenCalled()
  })

  it('hands the observer the very error, where nothing that logs the event shows it', () => {
    const onEvent = vi.fn<Observer>()
    const { report } = createChannel(onEvent, createConsole())
    const detailed = Object.assign(bug, { config: { headers: 'sk-secret' } })
    report?.({ ...event }, detailed)
    const told = onEvent.mock.calls[0]?.[0]
    expect(told).toHaveProperty('error', detailed)
    const shown = [JSON.stringify(told), JSON.stringify({ ...told }), inspect(told)]
    expect(shown.join()).not.toContain('sk-secret')
    expect(structuredClone(told)).toEqual(event)
  })

  it.each<[string, Observer]>([
    [
      'throws',
      () => {
        throw bug
      },
    ],
    ['rejects', () => Promise.reject(bug) as unknown as void],
  ])('writes that an observer %s, without its error, and goes on', async (_what, onEvent) => {
    const { report } = createChannel(onEvent, createConsole())
    expect(() => report?.({ ...event })).not.toThrow()
    expect(() => report?.({ ...event })).not.toThrow()
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(console.error).toHaveBeenCalledExactlyOnceWith(
      'with-auth: "onEvent" threw RangeError: it missed an event. Catch errors in it',
    )
  })
})

describe('the console', () => {
  it('shows the same line once a minute', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const write = createConsole()
    const writeBoth = (): void => ['one', 'two', 'one'].forEach(write)
    writeBoth()
    vi.advanceTimersByTime(59_999)
    writeBoth()
    const lines = [['with-auth: one'], ['with-auth: two']]
    expect(vi.mocked(console.error).mock.calls).toEqual(lines)
    vi.advanceTimersByTime(1)
    writeBoth()
    expect(vi.mocked(console.error).mock.calls).toEqual([...lines, ...lines])
  })

  it('shows at most 16 lines a minute', () => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const write = createConsole()
    for (let turn = 0; turn < 100; turn += 1) write(`line ${turn % 17}`)
    expect(console.error).toHaveBeenCalledTimes(16)
    vi.advanceTimersByTime(60_000)
    write('line 16')
    expect(console.error).toHaveBeenCalledTimes(17)
  })

  it('may throw', () => {
    vi.mocked(console.error).mockImplementation(() => {
      throw bug
    })
    expect(() => createConsole()('line')).not.toThrow()
  })
})

it('only an observer of this package gets the Request: a user would log the token with it', () => {
  const request = new Request('https://api.example.test/')
  const [user, own] = [vi.fn(), vi.fn()]
  for (const onEvent of [user, observeWithRequest(own)]) {
    createChannel(onEvent, createConsole()).report?.({ ...event }, bug, request)
  }
  expect(user.mock.calls).toEqual([[event]])
  expect(own.mock.calls).toEqual([[event, request, undefined]])
})

describe('a config problem', () => {
  const channel = () => {
    const onEvent = vi.fn<Observer>()
    return { onEvent, channel: createChannel(onEvent, createConsole()) }
  }

  it('is told to the observer each time', () => {
    const told = channel()
    const problem = new AuthConfigError('endpoint', '"endpoint" is missing')
    reportConfigError(told.channel, problem)
    reportConfigError(told.channel, problem)
    const notice = { type: 'config_error', message: '"endpoint" is missing' }
    expect(told.onEvent.mock.calls).toEqual([[notice], [notice]])
    expect(told.onEvent.mock.calls[0]?.[0]).not.toHaveProperty('error')
  })

  it('of a config function is told by the class of its error, and the error to the observer alone', () => {
    const told = channel()
    reportConfigError(told.channel, bug)
    const message = 'The config could not be made: RangeError was thrown'
    expect(told.onEvent).toHaveBeenCalledExactlyOnceWith({ type: 'config_error', message })
    expect(told.onEvent.mock.calls[0]?.[0]).toHaveProperty('error', bug)
    reportConfigError(createChannel(undefined, createConsole()), bug)
    expect(console.error).toHaveBeenCalledExactlyOnceWith(`with-auth: ${message}`)
  })
})

const hostile = new Proxy(
  {},
  {
    getPrototypeOf: () => {
      throw bug
    },
  },
)
class OwnError extends Error {}
const longest = `E${'a'.repeat(63)}`
const named = (name: unknown): object => Object.create({ constructor: { name } }) as object

it.each<[unknown, string]>([
  [bug, 'RangeError'],
  [new OwnError('sk-secret'), 'OwnError'],
  [Object.assign(new Error('a'), { name: 'SkSecret' }), 'Error'],
  [Object.assign(new Error('a'), { constructor: { name: 'SkSecret' } }), 'Error'],
  [named(longest), longest],
  [named(`${longest}a`), 'an object'],
  [named('Sk-secret'), 'an object'],
  [named('a SkSecret'), 'an object'],
  [named('skSecret'), 'an object'],
  [named(['Error']), 'an object'],
  [Object.create(null), 'an object'],
  [Object.create({ constructor: null }), 'an object'],
  [hostile, 'an object'],
  [null, 'null'],
  ['SkSecret', 'a string'],
  [() => bug, 'a function'],
  [undefined, 'undefined'],
])('names what was thrown by its class alone (%#)', (thrown, kind) => {
  expect(kindOf(thrown)).toBe(kind)
})
