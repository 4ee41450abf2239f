import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { createKey } from '../../../src/keys.ts'
import { head, openSocket, sendRaw } from '../../support/raw-client.ts'
import { stopCommands } from '../../support/served-command.ts'
import { createSurroundings } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startConsole } from './running-console.ts'
import type { RunningConsole } from './running-console.ts'

/** The link of `with-auth console`, the session that its code begins, and the end of the command. */

const HOUR_MS = 3_600_000
const inFolder = setupFolder()
const file = (): string => inFolder('keys.yaml')

let served: RunningConsole
beforeEach(async () => {
  await createKey(file(), { principal: 'alice' })
  served = await startConsole(file())
})
afterEach(stopCommands)
afterEach(() => {
  vi.useRealTimers()
})

/** Sends a code. Returns the status, or the token of the session that begins. */
async function redeem(code: string): Promise<number | string> {
  const { status, body } = await served.send('/session', { body: { code } })
  return status === 200 ? String(body['token']) : status
}

async function statusWith(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await served.send('/api/keys', { headers })).status
}

const codeIn = (link: string): string => link.replace(/.*#code=/, '')
const nextCode = async (): Promise<string> => codeIn(await served.nextLink())

describe('the link', () => {
  it.each([
    [true, 'Enter prints another one'],
    [false, 'start the command again for another one'],
  ])('is printed, and how to get another one; in a terminal: %s', async (isTerminal, again) => {
    const surroundings = createSurroundings({}, '', { isTerminal, colors: false })
    const ended = main(['console', '--keys', file(), '--port=0'], COMMANDS, surroundings)
    const link = /^http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}\n$/
    await vi.waitFor(() => expect(surroundings.printed()).toMatch(link), 10_000)
    expect(surroundings.noted()).toBe(
      `with-auth: open this link within 60 s; it works once, and ${again}. Ctrl-C stops:\n`,
    )
    surroundings.enter()
    expect(surroundings.printed().trim().split('\n')).toHaveLength(2)
    surroundings.signal('SIGINT')
    expect(await ended).toBe(0)
  })

  it('is a line of JSON for programs, and nothing is said to people', async () => {
    const surroundings = createSurroundings()
    const line = ['console', '--keys', file(), '--port=0', '--json']
    const ended = main(line, COMMANDS, surroundings)
    await vi.waitFor(() => expect(surroundings.printed()).toContain('\n'), 10_000)
    surroundings.signal('SIGINT')
    await ended
    const { type, url, link } = JSON.parse(surroundings.printed()) as Record<string, string>
    expect([type, link?.replace(/[\w-]{43}$/, 'CODE')]).toEqual(['listening', `${url}/#code=CODE`])
    expect(surroundings.noted()).toBe('')
  })

  it('begins a session once, and ends the link before it', async () => {
    const [first, second] = [codeIn(served.link()), await nextCode()]
    expect(await redeem(first)).toBe(403)
    expect(await redeem(second)).toMatch(/^[\w-]{43}$/)
    const { status, body } = await served.send('/session', { body: { code: second } })
    const message = 'This link was used before, or is older than 60 s'
    expect([status, body]).toEqual([403, { error: { message } }])
  })

  it('works for less than 60 s', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    for (const [ageMs, expected] of [
      [59_999, /^[\w-]{43}$/],
      [60_000, /^403$/],
    ] as const) {
      const madeAt = Date.now()
      const code = await nextCode()
      vi.setSystemTime(madeAt + ageMs)
      expect(String(await redeem(code))).toMatch(expected)
    }
  })

  it('survives four wrong codes, and not five', async () => {
    const guesses = ['a', 'b', 'c', 'd']
    for (const [wrong, expected] of [
      [guesses, 200],
      [['', ...guesses], 403],
    ] as const) {
      const code = await nextCode()
      for (const guess of wrong) expect(await redeem(guess)).toBe(403)
      expect((await served.send('/session', { body: { code } })).status).toBe(expected)
    }
  })

  it.each([
    ['no JSON', '{', 400, 'The body must be a JSON object'],
    ['no object', '[]', 400, 'The body must be a JSON object'],
    ['no code', '{}', 403, 'This link was used before, or is older than 60 s'],
    [
      'a code that is an object',
      '{"code":{"toString":1}}',
      403,
      'This link was used before, or is older than 60 s',
    ],
    ['too much', 'a'.repeat(70_000), 413, 'The body is longer than 65536 bytes'],
  ])('is answered with an error if the page sends %s', async (_, sent, status, message) => {
    const answer = await served.send('/session', { body: sent })
    expect([answer.status, answer.body]).toEqual([status, { error: { message } }])
  })
})

describe('a session', () => {
  it('is that of its token alone, and lasts for eight hours', async () => {
    vi.useFakeTimers({ toFake: ['Date'] })
    const code = await nextCode()
    const begunAt = Date.now()
    const token = String(await redeem(code))
    for (const wrong of ['a', token.slice(1), `${token}a`, await nextCode()]) {
      expect(await statusWith(wrong)).toBe(401)
    }
    vi.setSystemTime(begunAt + 8 * HOUR_MS - 1)
    expect(await statusWith(token)).toBe(200)
    vi.setSystemTime(begunAt + 8 * HOUR_MS)
    expect(await statusWith(token)).toBe(401)
  })

  it('ends when another one begins, and not by a wrong code or a new link', async () => {
    const first = String(await redeem(codeIn(served.link())))
    const code = await nextCode()
    expect(await redeem('wrong')).toBe(403)
    expect(await statusWith(first)).toBe(200)
    const second = String(await redeem(code))
    expect([await statusWith(first), await statusWith(second)]).toEqual([401, 200])
  })
})

describe('with-auth console', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    'ends at once by %s, with open requests',
    async (signal) => {
      const socket = await openSocket(served.port)
      const fields = [
        `Host: 127.0.0.1:${served.port}`,
        `Origin: ${served.url}`,
        'Content-Length: 9',
      ]
      socket.write(head('POST /session', ...fields))
      socket.on('error', () => undefined)
      const startedAt = performance.now()
      expect(await served.stop(signal)).toBe(0)
      expect(performance.now() - startedAt).toBeLessThan(4000)
      socket.destroy()
    },
  )

  it('answers a malformed request, and goes on', async () => {
    const malformed = head('GET /', 'Host: a', 'Host: b', 'Connection: close')
    expect(await sendRaw(served.port, malformed)).toMatch(/^HTTP\/1\.1 4/)
    expect((await served.send('/')).status).toBe(200)
  })
})
