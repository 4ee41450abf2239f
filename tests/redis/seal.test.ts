import { describe, expect, it } from 'vitest'
import { createSealer } from '../../src/redis/seal.ts'
import { SECRET } from '../support/connected-guards.ts'
import type { SharedAllow } from '../../src/core/seams.ts'
import type { Place } from '../../src/redis/seal.ts'

/** Sealed allows, without an engine: what another instance gets from them. */

const WALL_NOW = 1_700_000_000_000
const PLACE: Place = {
  run: 'run-1',
  fences: [Buffer.alloc(12, 1), Buffer.alloc(12, 2)],
  name: Buffer.alloc(32, 3),
}
const ALLOW: SharedAllow = {
  auth: { principal: 'Zoë', attributes: { roles: ['dev'] } },
  askedAt: WALL_NOW,
  ttlMs: 1000,
}

/** The name and the value that version 0.1.0 makes of `SECRET`, `PLACE` and `ALLOW`. */
const NAME = 'a055e0fddfa765b608fddd01c8c8edd8c213b4dcc0111df0c1ac88ecffa8b27c'
const SEALED =
  'AQAATNu2+hoZL5SPujvnzib1yIvEsUEOl/7s5aBmdEkENOau2+B1TfEhpr/WIYVmPoY3LQULT+xI1xMUedt7ufUrN+xYGDUDIIviGAtQ1Ks5pmUjJ5ytxa2Mp3janVemvIoF/LDPCd7rfgWZiz21hdxZ9/dj1SPSFCXWWJw2QPpLrg=='

const sealer = createSealer(SECRET)

function sendAllow(allow: SharedAllow): SharedAllow | undefined {
  return createSealer(SECRET).open(sealer.seal(allow, PLACE, WALL_NOW), PLACE)
}

describe('another instance', () => {
  it('gets the identity and the times of an allow', () => {
    expect(sendAllow(ALLOW)).toEqual(ALLOW)
  })

  it('learns that an allow must not stand in after its end', () => {
    expect(sendAllow({ ...ALLOW, mustRevalidate: true })).toHaveProperty('mustRevalidate', true)
    expect(sendAllow(ALLOW)).not.toHaveProperty('mustRevalidate')
  })

  // While instances are replaced one by one, two versions of the package share allows.
  it('finds and opens what an earlier version has sealed', () => {
    const { nameOf, open } = createSealer(SECRET)
    expect(Buffer.from(nameOf(Buffer.alloc(32, 4), 'told')).toString('hex')).toBe(NAME)
    expect(open(Buffer.from(SEALED, 'base64'), PLACE)).toEqual(ALLOW)
  })

  it('gets nothing from a value that is cut off, or that has no identity', () => {
    const sealed = sealer.seal(ALLOW, PLACE, WALL_NOW)
    const opened = Array.from(sealed, (_, end) => sealer.open(sealed.subarray(0, end), PLACE))
    expect(new Set(opened)).toEqual(new Set([undefined]))
  })

  // Another version of the package may seal another form with the same secret.
  it.each([
    ['without a time of asking', { askedAt: undefined }],
    ['with a time of asking that is a text', { askedAt: '5' }],
    ['without an age', { ttlMs: undefined }],
    ['with an age that is a text', { ttlMs: '5' }],
    ['with a number for the principal', { auth: { principal: 5, attributes: {} } }],
    ['with a number for an attribute', { auth: { principal: 'a', attributes: { roles: 5 } } }],
    ['with a word for the end of the identity', { auth: { expiresAt: 'soon' } }],
  ])('gets nothing from an allow %s', (_what, wrong) => {
    expect(sendAllow({ ...ALLOW, ...wrong } as never)).toBeUndefined()
  })

  it.each([
    ['another run', { run: 'run-2' }],
    ['another fence of all', { fences: [Buffer.alloc(12), PLACE.fences[1]] }],
    ['another fence of the token', { fences: [PLACE.fences[0], Buffer.alloc(12)] }],
    ['swapped fences', { fences: [PLACE.fences[1], PLACE.fences[0]] }],
    ['another question', { name: Buffer.alloc(32) }],
  ] satisfies [string, Partial<Place>][])('gets nothing at a place with %s', (_what, other) => {
    const sealed = sealer.seal(ALLOW, PLACE, WALL_NOW)
    expect(sealer.open(sealed, { ...PLACE, ...other })).toBeUndefined()
  })
})
