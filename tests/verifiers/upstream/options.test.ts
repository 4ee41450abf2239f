import { describe, expect, it } from 'vitest'
import { AuthConfigError, withAuth } from '../../../src/index.ts'
import { fromUpstream } from '../../../src/verifiers/upstream/from-upstream.ts'
import { words } from '../../support/words.ts'
import type { UpstreamOptions } from '../../../src/verifiers/upstream/options.ts'

const SECRET = '0123456789abcdef'
const PROOF = { header: 'x-proxy-secret', secret: SECRET }
const OPTIONS: UpstreamOptions = { principalHeader: 'X-User', proof: PROOF }

function make(options: unknown): ReturnType<typeof fromUpstream> {
  return fromUpstream(options as UpstreamOptions)
}

function errorOf(options: unknown): AuthConfigError {
  try {
    make(options)
  } catch (error) {
    if (error instanceof AuthConfigError) return error
    throw error
  }
  throw new Error('No error')
}

describe('fromUpstream makes', () => {
  it('the part of a config that reads exactly its headers', () => {
    const { verifier, ...config } = make({
      ...OPTIONS,
      tenantHeader: 'X-Org',
      scopesHeader: 'X-Scopes',
      clientHeader: 'X-App',
      attributeHeaders: { 'X-Groups': 'teams' },
    })
    expect(config).toEqual({ credentials: { header: 'x-user' } })
    const headers = words('x-user x-org x-scopes x-app x-proxy-secret x-groups')
    const reads = { headers, params: 'none', path: false, method: false, clientAddress: false }
    const traits = { reads, consumes: headers, local: true, label: 'upstream', warnings: [] }
    expect({ ...verifier }).toMatchObject(traits)
  })

  it('for a signature also what the gateway signs', () => {
    const proof = { signature: 'X-Auth-Signature', secret: SECRET }
    const { verifier } = make({ principalHeader: 'x-auth-principal', proof })
    const headers = words(
      'x-auth-principal x-auth-tenant x-auth-attributes x-auth-scopes x-auth-client x-auth-signature',
    )
    expect(verifier.reads).toMatchObject({
      headers,
      path: true,
      method: true,
      clientAddress: false,
    })
    expect(verifier.describe?.()).toMatchObject({ proof: { maxAgeSeconds: 60 } })
  })

  it('for addresses also the address', () => {
    const { verifier } = make({ principalHeader: 'x-user', proof: { addresses: ['::1'] } })
    const reads = { headers: ['x-user'], path: false, method: false, clientAddress: true }
    expect(verifier.reads).toMatchObject(reads)
  })
})

describe('fromUpstream demands a proof', () => {
  it.each([
    undefined,
    null,
    true,
    SECRET,
    {},
    [],
    { network: false },
    { header: 'x-proxy-secret' },
    { secret: SECRET },
    { ...PROOF, network: true },
    { ...PROOF, signature: 'x-auth-signature' },
    { addresses: ['::1'], network: true },
    { network: true, secret: SECRET },
    { addresses: ['::1'], maxAgeSeconds: 60 },
    { ...PROOF, maxAgeSeconds: 60 },
    { ...PROOF, header: 'authorization' },
    { ...PROOF, header: 'Cookie' },
    { ...PROOF, header: 'x proxy' },
    { ...PROOF, unknown: true },
    { ...PROOF, secret: 'short-secret-15' },
    { ...PROOF, secret: `${SECRET} ` },
    { ...PROOF, secret: 'x'.repeat(1025) },
    { ...PROOF, secret: [] },
    { ...PROOF, secret: [SECRET, ''] },
    ...[0, 0.5, 3601, '60', Number.NaN, null].map((maxAgeSeconds) => ({
      signature: 'x-auth-signature',
      secret: SECRET,
      maxAgeSeconds,
    })),
  ])('and not %j, and no message shows a secret', (proof) => {
    const { option, message } = errorOf({ principalHeader: 'x-user', proof })
    expect(option).toMatch(/^proof/)
    expect(message).not.toMatch(/0123456|short-secret|xxxx/)
  })

  it('and says which there are', () => {
    expect(errorOf({ principalHeader: 'x-user' }).message).toBe(
      '"proof" must be { header, secret }, { signature, secret }, { addresses } or { network: true }: ' +
        'without a proof a client can name any caller (its value is not shown)',
    )
  })

  it.each([
    [[], 'proof.addresses', 'a list of at least one address'],
    ['10.0.0.0/8', 'proof.addresses', 'a list of at least one address'],
    [[5], 'proof.addresses[0]', 'an address'],
    [['::1', '010.0.0.1'], 'proof.addresses[1]', 'an address'],
    [['10.0.0.0/08'], 'proof.addresses[0]', 'an address'],
    [['10.0.0.0/33'], 'proof.addresses[0]', 'an address'],
    [['proxy.internal'], 'proof.addresses[0]', 'an address'],
    [['0.0.0.0/0'], 'proof.addresses[0]', 'for every network write "proof.network"'],
    [['10.0.0.0/0'], 'proof.addresses[0]', 'for every network write "proof.network"'],
    [['::/0'], 'proof.addresses[0]', 'for every network write "proof.network"'],
    [['::ffff:0.0.0.0/96'], 'proof.addresses[0]', 'for every network write "proof.network"'],
  ])('with addresses that are not %j', (addresses, option, expected) => {
    const error = errorOf({ principalHeader: 'x-user', proof: { addresses } })
    expect(error.option).toBe(option)
    expect(error.message).toContain(expected)
  })
})

const groups = (form: object): object => ({ 'x-groups': { attribute: 'teams', ...form } })

describe('fromUpstream rejects', () => {
  it('an attribute without a form, and names the forms', () => {
    const { message } = errorOf({ ...OPTIONS, attributeHeaders: { 'x-groups': 5 } })
    expect(message).toBe(
      '"attributeHeaders.x-groups" must be the name of an attribute, { attribute, separator } such as ' +
        '{ attribute: "roles", separator: "," }, or { attribute, json: true }, received 5',
    )
  })

  it.each([
    [{ principalHeader: undefined }, 'principalHeader'],
    [{ principalHeader: 'authorization' }, 'principalHeader'],
    [{ tenantHeader: 'Sec-WebSocket-Protocol' }, 'tenantHeader'],
    [{ scopesHeader: 'authorization' }, 'scopesHeader'],
    [{ attributeHeaders: { 'x groups': 'teams' } }, 'attributeHeaders'],
    [{ attributeHeaders: { 'x-groups': '' } }, 'attributeHeaders.x-groups'],
    [{ attributeHeaders: { 'x-groups': { attribute: 'teams' } } }, 'attributeHeaders.x-groups'],
    [{ attributeHeaders: groups({ separator: ',', json: true }) }, 'attributeHeaders.x-groups'],
    [{ attributeHeaders: groups({ json: false }) }, 'attributeHeaders.x-groups'],
    [{ attributeHeaders: groups({ separator: '\n' }) }, 'attributeHeaders.x-groups.separator'],
    [
      { attributeHeaders: { 'x-groups': { attribute: '', separator: ',' } } },
      'attributeHeaders.x-groups.attribute',
    ],
    // One header, two meanings.
    [{ tenantHeader: 'x_user' }, 'tenantHeader'],
    [{ attributesHeader: 'X.User' }, 'attributesHeader'],
    [{ scopesHeader: 'x_user' }, 'scopesHeader'],
    [{ scopesHeader: 'x-app', clientHeader: 'X_App' }, 'clientHeader'],
    [{ attributeHeaders: { X_USER: 'teams' } }, 'attributeHeaders'],
    [{ attributeHeaders: { 'X-Groups': 'teams', 'x-groups': 'roles' } }, 'attributeHeaders'],
    [{ principalHeader: 'x-proxy_secret' }, 'proof.header'],
  ])('%j', (change, option) => {
    expect(errorOf({ ...OPTIONS, ...change }).option).toBe(option)
  })

  it.each(['X-User', 'x_proxy_secret'])(
    '%s as the header of the request id: it is logged',
    (name) => {
      const config = { ...fromUpstream(OPTIONS), requestIdHeader: name }
      expect(() => withAuth(() => new Response(), config)).toThrow(
        expect.objectContaining({ option: 'requestIdHeader' }),
      )
    },
  )

  it('headers that a signature does not cover', () => {
    const proof = { signature: 'x-auth-signature', secret: SECRET }
    const { message } = errorOf({ ...OPTIONS, proof, attributeHeaders: { 'x-groups': 'teams' } })
    expect(message).toBe(
      '"attributeHeaders" must be left out beside "proof.signature", which does not cover these headers',
    )
  })

  it('all of it at once', () => {
    const { problems } = errorOf({ proof: SECRET, tenantHeader: '' })
    expect(problems.map(({ optionPath }) => optionPath.join('.'))).toEqual([
      'proof',
      'principalHeader',
      'tenantHeader',
    ])
    const proof = { signature: 'a b', secret: 'short', maxAgeSeconds: 0 }
    const attributeHeaders = { 'x groups': 'teams', 'x-a': '' }
    const more = errorOf({ proof, principalHeader: 'x-a', tenantHeader: 'x_a', attributeHeaders })
    expect(more.problems.map(({ optionPath }) => optionPath.join('.'))).toEqual([
      'proof.secret',
      'proof.signature',
      'proof.maxAgeSeconds',
      'attributeHeaders',
      'attributeHeaders.x-a',
      'attributeHeaders',
      'tenantHeader',
    ])
  })

  it.each([SECRET, undefined, null, 5])(
    '%j in place of its options, and does not show it',
    (options) => {
      expect(errorOf(options).message).not.toContain(SECRET)
    },
  )
})
