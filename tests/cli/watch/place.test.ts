import { expect, it } from 'vitest'
import { readWatchPlace } from '../../../src/cli/watch/place.ts'
import { UsageError } from '../../../src/cli/errors.ts'
import type { WatchPlace } from '../../../src/cli/watch/place.ts'

const SECRET = 'watch-s3cret-0123456789'
const FLAG = '--watch-socket'
const LONGEST = `/tmp/${'x'.repeat(85)}`

function read(text: string, secret?: string): WatchPlace {
  return readWatchPlace(FLAG, text, {
    env: secret === undefined ? {} : { WITH_AUTH_WATCH_SECRET: secret },
  })
}

it.each<[string, WatchPlace]>([
  ['./watch.sock', { path: './watch.sock' }],
  [LONGEST, { path: LONGEST }],
  ['127.0.0.1:65535', { host: '127.0.0.1', port: 65_535, secret: SECRET }],
  ['[::1]:0', { host: '::1', port: 0, secret: SECRET }],
])('%s is a place to watch', (text, place) => {
  expect(read(text, SECRET)).toEqual(place)
})

it.each(['127.0.0.1:65536', '0.0.0.0:9330', 'localhost:9330'])('%s is none', (text) => {
  expect(() => read(text, SECRET)).toThrow(
    `${FLAG} must be a path, or a loopback address such as 127.0.0.1:9330, received "${text}"`,
  )
})

it('a path of more than 90 bytes is none, because the names of sockets are short', () => {
  expect(() => read(`${LONGEST}x`)).toThrow(
    `${FLAG} must be a path of at most 90 bytes, because the names of sockets are short: received ${LONGEST}x`,
  )
})

it.each(['', 'too-short-12345', 'with a blank in it'])(
  'a port does not take %j as its secret, and no message shows one',
  (secret) => {
    const form = '16 to 1024 visible ASCII characters (it is not shown)'
    expect(() => read('[::1]:9330', secret)).toThrow(
      new UsageError(`WITH_AUTH_WATCH_SECRET must be ${form}`),
    )
  },
)

it('a port needs a secret', () => {
  expect(() => read('[::1]:9330')).toThrow(
    `${FLAG} [::1]:9330 needs a secret in WITH_AUTH_WATCH_SECRET, because every user of the machine can connect to a port`,
  )
})
