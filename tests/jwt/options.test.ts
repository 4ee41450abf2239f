import { describe, expect, it, vi } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import { nodeTransport } from '../../src/node.ts'
import { ANY_ISSUER } from '../../src/verifiers/any-issuer.ts'
import { AUDIENCE, ISSUER, keyOf } from '../support/issuer.ts'
import type { JwtOptions } from '../../src/jwt.ts'

const GOOD: JwtOptions = { issuer: ISSUER, audience: AUDIENCE }
const SECRET = 'hunter2'

const LIST = 'RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519'

describe('the message of a wrong option', () => {
  function messageOf(options: object): string {
    try {
      jwt({ ...GOOD, ...options })
    } catch (error) {
      return String(error)
    }
    return 'accepted'
  }

  it('says why no symmetric algorithm is accepted, and of others only which there are', () => {
    const hint = 'whoever can check such a token can also make one'
    const messages = ['hs512', 'none', ['HS256']].map((one) => messageOf({ algorithms: [one] }))
    expect(messages.map((message) => message.includes(hint))).toEqual([true, false, false])
  })

  const HTTPS = 'an https URL (http only on loopback, or with "allowInsecureHttp")'
  it.each<readonly [wrong: object, message: string]>([
    [{ issuer: 5 }, '"issuer" must be a text that is not empty, received 5'],
    [
      { issuer: 'any text' },
      '"issuer" must be an https URL to start discovery, received "any text": or give "jwksUri" or "keys"',
    ],
    // Only a file may ask for any issuer, and it has keys.
    [
      { issuer: ANY_ISSUER },
      '"issuer" must be an https URL to start discovery, received "": or give "jwksUri" or "keys"',
    ],
    [{ jwksUri: 'http://a.example/' }, `"jwksUri" must be ${HTTPS}, received "http://a.example/"`],
    [
      { issuer: 'http://a.example/', allowInsecureHttp: 'yes' },
      `"allowInsecureHttp" must be true or false, received "yes"\n"issuer" must be ${HTTPS}, received "http://a.example/"`,
    ],
    [
      { jwksUri: 'https://a.example/', keys: async () => ({}) },
      '"keys" must be left out beside "jwksUri": give one of them',
    ],
    [
      { keys: SECRET },
      '"keys" must be a JSON Web Key Set, { keys: [...] }, or a function that fetches one (its value is not shown)',
    ],
    [{ algorithms: ['none'] }, `"algorithms[0]" must be one of ${LIST}, received "none"`],
  ])('is the whole message, for %o', (wrong, message) => {
    expect(messageOf(wrong)).toBe(`AuthConfigError: ${message}`)
  })
})

it.each<Partial<JwtOptions>>([
  {},
  { jwksUri: new URL('https://login.example.com/keys?version=1') },
  { issuer: 'accounts.example.com', jwksUri: 'https://login.example.com/keys' },
  { issuer: 'http://127.0.0.1:8080/realms/a' },
  { issuer: 'http://idp.internal/', allowInsecureHttp: true },
  { jwksUri: 'http://idp.internal/', allowInsecureHttp: true },
  { issuer: 'any text', keys: async () => ({ keys: [] }) },
  { requiredClaims: [], exposeClaims: [], attributes: {} },
])('jwt() takes %j', (options) => {
  expect(() => jwt({ ...GOOD, ...options })).not.toThrow()
})

describe('a verifier', () => {
  const url = 'https://login.example.com/keys?api-key=hunter2'

  it('describes its options with all defaults and without secrets', async () => {
    const jwksHeaders = { authorization: `Bearer ${SECRET}` }
    const described = jwt({ ...GOOD, jwksUri: url, jwksHeaders, tenant: 'org' }).describe?.()
    expect(described).toEqual({
      type: 'jwt',
      issuer: ISSUER,
      audience: [AUDIENCE],
      jwksUri: 'https://login.example.com/keys?***',
      discovery: false,
      algorithms: LIST.split(', '),
      types: 'JWT, at+jwt or absent',
      clockToleranceSeconds: 5,
      requiredClaims: [],
      principal: 'sub',
      attributes: {},
      tenant: 'org',
      exposeClaims: [],
      keysMaxAgeMs: 600_000,
      keysMaxStaleMs: 3_600_000,
      jwksHeaders: { authorization: '[redacted]' },
      allowInsecureHttp: false,
      timeoutMs: 5000,
    })
    expect(jwt(GOOD).describe?.()).toMatchObject({ discovery: true })
    const { jwk } = await keyOf('ES256', 'a')
    const keys = { keys: [{ ...jwk, secret: SECRET }] }
    const ofKeys = { ...jwt({ ...GOOD, keys }).describe?.() }
    expect(ofKeys).toMatchObject({ discovery: false })
    expect(Reflect.get(ofKeys, 'keys')).toStrictEqual([jwk])
    expect(jwt({ ...GOOD, keys: async () => keys }).describe?.()).toMatchObject({
      keys: 'a function',
    })
  })

  it('says what it is', () => {
    const traits = { reads: {}, local: true, label: 'jwt', endsByItself: true, warnings: [] }
    expect({ ...jwt(GOOD) }).toMatchObject(traits)
    expect(jwt({ ...GOOD, allowInsecureHttp: true }).warnings).toEqual([
      '"allowInsecureHttp" is true: the keys of tokens may travel in clear text',
    ])
  })

  it('has an id that is the same for the same options, and for no others', async () => {
    const [one, other] = [await keyOf('ES256', 'a'), await keyOf('ES256', 'b')]
    const variants: Partial<JwtOptions>[] = [
      {},
      { audience: 'other' },
      { issuer: 'https://other.example.com' },
      { jwksUri: ISSUER },
      { jwksUri: 'https://login.example.com/keys' },
      { jwksUri: 'https://other.example.com/keys' },
      { keys: { keys: [one.jwk] } },
      { keys: { keys: [other.jwk] } },
      { types: ['at+jwt'] },
      { attributes: { groups: 'roles' } },
      ...[SECRET, 'another'].flatMap((secret) => [
        { jwksUri: `https://login.example.com/keys?key=${secret}` },
        {
          jwksUri: 'https://login.example.com/keys',
          jwksHeaders: { authorization: secret },
        },
      ]),
    ]
    const ids = variants.map((options) => jwt({ ...GOOD, ...options }).id)
    expect(new Set(ids).size).toBe(variants.length)
    expect(variants.map((options) => jwt({ ...GOOD, ...options }).id)).toEqual(ids)
    expect(jwt({ ...GOOD, fetch: nodeTransport() }).id).toBe(ids[0])
    expect(ids.join(' ')).not.toContain(SECRET)
  })

  it.each<Partial<JwtOptions>>([
    { keys: async () => ({}) },
    { fetch: (to, init) => fetch(to, init) },
  ])('has no id if its options cannot be compared: %j', (options) => {
    expect(jwt({ ...GOOD, ...options }).id).toBeUndefined()
  })

  it('makes no timer, and draws no random value, when it is made', () => {
    // Workers forbid both outside a request.
    const forbid = (): never => {
      throw new Error('not at the top level')
    }
    vi.stubGlobal('setTimeout', forbid)
    vi.spyOn(crypto, 'getRandomValues').mockImplementation(forbid)
    vi.spyOn(Math, 'random').mockImplementation(forbid)
    expect(jwt(GOOD).label).toBe('jwt')
  })
})
