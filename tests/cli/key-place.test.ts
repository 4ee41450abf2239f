import { afterEach, expect, it, vi } from 'vitest'
import { COMMANDS } from '../../src/cli/main.ts'
import { runLine } from '../support/surroundings.ts'

/** The client of PostgreSQL, as the commands of keys load and use it. */

const KEYS_URL = 'postgres://u:s3cret@h/b'
afterEach(() => {
  vi.doUnmock('pg')
})

it.each([
  ['ERR_MODULE_NOT_FOUND', 'is not installed: npm install pg@8'],
  ['MODULE_NOT_FOUND', 'is not installed: npm install pg@8'],
  ['ERR_DLOPEN_FAILED', 'does not load'],
])('the client of PostgreSQL is asked for if its import fails with %s', async (code, reason) => {
  const failing = {
    get default(): never {
      throw Object.assign(new Error('no'), { code })
    },
  }
  vi.doMock('pg', () => failing)
  const answer = await runLine(['keys', 'list', '--keys', 'env:KEYS_URL'], COMMANDS, { KEYS_URL })
  const noted = `with-auth: --keys env:NAME needs the package "pg", which ${reason}\n`
  expect(answer).toEqual({ code: 1, printed: '', noted })
})

it.each([
  ['check -', [], ['text,values', 'name,text,values'], 'unknown: no key here has this value\n'],
  ['list', [], ['text,values', 'text,values'], 'There are no keys.\n'],
  [
    'create --principal alice',
    undefined,
    ['text,values'],
    'with-auth: --keys env:KEYS_URL: Error\n',
  ],
])(
  'the client of PostgreSQL has a name for the statement of each request alone, and is closed: %s',
  async (command, rows, parts, output) => {
    const told: unknown[] = []
    class Pool {
      constructor(options: object) {
        told.push(options)
      }
      on(): void {
        // Nothing breaks here.
      }
      async query(statement: object): Promise<object> {
        told.push(Object.keys(statement).toSorted().join())
        if (rows === undefined) throw new Error('The server is gone')
        return { rows }
      }
      async end(): Promise<void> {
        told.push('end')
      }
    }
    vi.doMock('pg', () => ({ default: { Pool } }))
    const line = ['keys', ...command.split(' '), '--keys', 'env:KEYS_URL']
    const { printed, noted } = await runLine(line, COMMANDS, { KEYS_URL }, 'key-of-alice')
    const times = { connectionTimeoutMillis: 10_000, query_timeout: 10_000 }
    const options = { connectionString: KEYS_URL, max: 8, ...times, allowExitOnIdle: true }
    expect(told).toEqual([options, ...parts, 'end'])
    expect(`${printed}${noted}`).toBe(output)
  },
)
