import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { asksForWebSocket, hasBody, isAccepted } from '../../../src/node/sockets/handshake.ts'
import { KEY } from '../../support/socket-gateway.ts'

const headed = (...rawHeaders: string[]) => ({ method: 'GET', httpVersion: '1.1', rawHeaders })

it.each([
  [true, ['Upgrade', 'WebSocket']],
  [true, ['UPGRADE', 'h2c', 'Upgrade', 'websocket']],
  [false, ['Upgrade', 'web', 'Upgrade', 'socket']],
  [false, ['Upgrade', 'h2c', 'A', 'websocket']],
  [false, ['A', 'upgrade', 'websocket', 'B']],
])('says %s to whether %j ask for a WebSocket', (expected, fields) => {
  expect(asksForWebSocket(headed(...fields))).toBe(expected)
})

it.each([
  [true, ['Transfer-Encoding', 'chunked']],
  [true, ['content-length', '0', 'Content-Length', '4']],
  [false, ['Content-Length', '0']],
  [false, ['A', 'content-length', '4', 'B']],
  [false, []],
])('says %s to whether %j announce a body', (expected, fields) => {
  expect(hasBody(headed(...fields))).toBe(expected)
})

const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

it.each([
  ['its own answer', true, KEY, acceptOf(KEY), 'WebSocket'],
  ['the answer to another key', false, KEY, acceptOf('a'), 'websocket'],
  ['no protocol', false, KEY, acceptOf(KEY), undefined],
  // A missing key must not count as the text "null".
  ['the answer to a key that was not sent', false, null, acceptOf('null'), 'websocket'],
])('a 101 with %s opens a WebSocket: %s', (_what, expected, key, accept, upgrade) => {
  const fields = new Headers({ 'sec-websocket-accept': accept })
  if (upgrade !== undefined) fields.set('upgrade', upgrade)
  expect(isAccepted(key, fields)).toBe(expected)
})
