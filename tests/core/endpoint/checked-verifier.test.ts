import { describe, expect, it, vi } from 'vitest'
import { createAsk, verifyBy } from '../../../src/core/endpoint/checked-verifier.ts'
import { createChannel } from '../../../src/core/response/events.ts'
import { AuthUnavailableError, createAuthenticator, memoryCache } from '../../../src/index.ts'
import { attemptOf, checkOf } from '../../support/checks.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { get } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'
import { defineVerifier } from '../../../src/verifiers.ts'
import type { AskVerifier, KeysEvent, Verdict, Verifier } from '../../../src/index.ts'

const { signal } = new AbortController()
const channel = createChannel(undefined, () => undefined)

describe('warnings of a verifier', () => {
  const MINUTE_MS = 60_000

  /** A guard whose verifier warns of what it is told to. */
  function createWarned() {
    vi.useFakeTimers({ toFake: ['performance'] })
    const told: string[] = []
    const events = createChannel(
      (event) => told.push(String(Reflect.get(event, 'message'))),
      () => undefined,
    )
    const texts: string[] = []
    const verifier: AskVerifier = (_question, _signal, run) => {
      for (const text of texts.splice(0)) run?.warn?.(text)
      return { outcome: 'deny' }
    }
    const verify = createAsk(verifyBy(verifier), 'optional', events)
    const warn = async (...all: readonly string[]): Promise<readonly string[]> => {
      texts.push(...all)
      await verify(checkOf(), attemptOf({ signal }))
      return told.splice(0)
    }
    return { warn }
  }

  it('come once a minute for each text, so that the next outage is reported too', async () => {
    const { warn } = createWarned()
    expect(await warn('keys are 11 min old', 'keys are 11 min old')).toEqual([
      'keys are 11 min old',
    ])
    vi.advanceTimersByTime(MINUTE_MS - 1)
    expect(await warn('keys are 11 min old')).toEqual([])
    vi.advanceTimersByTime(1)
    expect(await warn('keys are 11 min old')).toEqual(['keys are 11 min old'])
  })

  it('are bounded to 64 a minute, and to 1,024 characters: texts with a part of a token fill neither memory nor log', async () => {
    const { warn } = createWarned()
    const texts = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(2000, 'x'))
    const cut = texts.slice(0, 64).map((text) => text.slice(0, 1024))
    expect(await warn(...texts)).toEqual(cut)
    expect(await warn('an outage')).toEqual([])
    vi.advanceTimersByTime(MINUTE_MS)
    expect(await warn('an outage')).toEqual(['an outage'])
  })
})

it('writes no line of its own on the console, and obeys no terminal, whatever a service has said', async () => {
  const said = 'no\u001b[31m\u009b2J \u202e\u2028\nwith-auth: all is well, é'
  const shown = 'no\\u001b[31m\\u009b2J \\u202e\\u2028\\u000awith-auth: all is well, é'
  const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const events: unknown[] = []
  const answers: Verifier[] = [
    () => ({ outcome: 'deny', cause: said }),
    (_question, _signal, run) => {
      run?.warn?.(said)
      throw new AuthUnavailableError('service_error', { explanation: said })
    },
  ]
  for (const verifier of answers) {
    await createAuthenticator({ verifier })(get('/', 'k1'))
    await createAuthenticator({ verifier, onEvent: (event) => events.push(event) })(get('/', 'k1'))
  }
  expect(lines.mock.calls).toEqual([
    [`with-auth: ${shown}`],
    [`with-auth: requests are rejected: ${shown}`],
  ])
  lines.mockRestore()
  expect(events).toMatchObject([{ cause: shown }, { message: shown }, { cause: shown }])
})

it.each([
  ['is told', 'the token was revoked', 'the token was revoked'],
  ['is hidden if it holds the token', `${TOKEN} was revoked`, undefined],
  ['is hidden if it holds the token in a URL', `/${TOKEN.replace('g', '%67')} is 404`, undefined],
])('the cause of a denial %s', async (_what, said, cause) => {
  const event = await guardWith(() => ({ outcome: 'deny', cause: said })).ask(TOKEN)
  expect([event.reason, event.cause]).toEqual(['denied', cause])
})

describe('a custom verifier', () => {
  it('is told how much time is left', async () => {
    let leftMs: number | undefined
    const verifier: AskVerifier = (_question, _signal, run) => {
      leftMs = run?.timeLeftMs?.()
      return { outcome: 'deny' }
    }
    const deadline = performance.now() + 60_000
    await createAsk(verifyBy(verifier), 'optional', channel)(checkOf(), attemptOf({ deadline }))
    expect(leftMs).toBeGreaterThan(30_000)
    expect(leftMs).toBeLessThanOrEqual(60_000)
  })

  it('reports to the observer, and decides where there is none', async () => {
    const report: KeysEvent = { type: 'keys', result: 'fetched', ageMs: 0, verifier: 'directory' }
    const verifier: AskVerifier = (_question, _signal, run) => {
      run?.report?.(report)
      return { outcome: 'allow' }
    }
    const { ask, events } = guardWith(verifier)
    await ask()
    expect(events).toContainEqual(report)
    expect(await createAuthenticator({ verifier })(get('/', 'k1'))).toMatchObject({ ok: true })
  })

  it.each<[Verdict, string, string | undefined]>([
    [
      { outcome: 'allow' },
      'invalid_response',
      '"verifier" allowed without a principal, which "identity" requires',
    ],
    [{ outcome: 'deny' }, 'denied', undefined],
  ])(
    'must name the caller of an allow if `identity` requires it: %j',
    async (verdict, reason, cause) => {
      const event = await guardWith(() => verdict, { identity: 'required' }).ask()
      expect([event.outcome, event.reason, event.cause]).toEqual(['deny', reason, cause])
    },
  )
})

describe('a denial with an error', () => {
  /** As another copy of this package throws it. */
  const foreign = { code: 'auth_unavailable', reason: 'timeout', status: 504 }

  it.each([
    [new AuthUnavailableError('unreachable'), 'unreachable', 503],
    [foreign, 'timeout', 503],
    [new RangeError('bug'), 'internal_error', 401],
    [null, 'internal_error', 401],
    [undefined, 'denied', 401],
  ])('rejects for the error, and is never cached: %o', async (error, reason, status) => {
    const decide = vi.fn((): Verdict => ({ outcome: 'deny', reason: undefined, error }))
    const config = { cache: memoryCache(), unavailableStatus: 503, retry: false } as const
    const guarded = guardWith(defineVerifier({ ask: decide, reads: {} }), config)
    for (let turn = 0; turn < 2; turn += 1) {
      expect(await guarded.ask()).toMatchObject({ reason, status })
    }
    expect(decide).toHaveBeenCalledTimes(error === undefined ? 1 : 2)
  })
})
