import { describe, expect, it, vi } from 'vitest'
import { introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { startService } from '../support/verifier-service.ts'
import type { IntrospectionOptions } from '../../src/verifiers.ts'

/** Answers that an introspection endpoint may send, and those of real servers. */

type Given = Partial<IntrospectionOptions>

const NOW = Math.floor(Date.now() / 1000)
const LATER = NOW + 3600
const GOOD = { active: true, sub: 'alice' }

async function decisionOn(body: unknown, given: Given = {}) {
  const said = typeof body === 'string' ? { text: body } : { json: body }
  const { url } = await startService(() => said)
  return guardWith(introspection({ url, client: 'none', ...given })).ask()
}

describe('an answer', () => {
  it.each([
    ['`active` is the text "true"', { ...GOOD, active: 'true' }],
    ['`active` is the text "false", which is truthy', { ...GOOD, active: 'false' }],
    ['`active` is 1', { ...GOOD, active: 1 }],
    ['`active` is null', { ...GOOD, active: null }],
    ['`active` is an object', { ...GOOD, active: {} }],
    ['`active` is missing', { sub: 'alice' }],
    ['it is a list', [GOOD]],
    ['it is true', true],
    ['it is null', null],
    ['it is HTML', '<html>active: true</html>'],
    ['it is empty', ''],
    ['`exp` is a text', { ...GOOD, exp: String(LATER) }],
    ['`exp` is null', { ...GOOD, exp: null }],
    ['`exp` is beyond all times', { ...GOOD, exp: 1e306 }],
    ['`exp` is infinite', `{"active":true,"sub":"alice","exp":1e999}`],
    ['`nbf` is a text', { ...GOOD, nbf: '0' }],
  ])('gives no verdict if %s', async (_what, body) => {
    expect(await decisionOn(body)).toMatchObject({ outcome: 'deny', reason: 'invalid_response' })
  })

  it.each<[string, unknown, string, Given]>([
    ['it is inactive', { active: false }, 'inactive', {}],
    ['it is inactive, whatever else it says', { ...GOOD, active: false }, 'inactive', {}],
    ['it has ended', { ...GOOD, exp: NOW - 1 }, 'expired', {}],
    ['it is not valid yet', { ...GOOD, nbf: NOW + 60 }, 'not_yet_valid', {}],
    ['it has no `sub`', { active: true, username: 'alice' }, 'missing_claim', {}],
    ['`sub` is empty', { active: true, sub: '' }, 'missing_claim', {}],
    ['`sub` is a number', { active: true, sub: 7 }, 'missing_claim', {}],
    ['`aud` is missing', GOOD, 'audience', { audience: 'api' }],
    ['`aud` is another', { ...GOOD, aud: 'app' }, 'audience', { audience: 'api' }],
    ['`aud` only begins alike', { ...GOOD, aud: ['api2', 'ap'] }, 'audience', { audience: 'api' }],
    ['`aud` is an object', { ...GOOD, aud: { api: 1 } }, 'audience', { audience: 'api' }],
    ['`aud` is null', { ...GOOD, aud: null }, 'audience', missing()],
    ['`aud` is another, though it may be missing', { ...GOOD, aud: 'x' }, 'audience', missing()],
    ['`iss` is another', { ...GOOD, iss: 'https://b/' }, 'issuer', { issuer: 'https://b' }],
    ['`iss` is a list', { ...GOOD, iss: ['https://b'] }, 'issuer', { issuer: 'https://b' }],
    ['it is bound to a key (RFC 9449 §6)', { ...GOOD, cnf: { jkt: 'x' } }, 'bound', {}],
    ['it is bound to a certificate', { ...GOOD, cnf: { 'x5t#S256': 'x' } }, 'bound', {}],
    ['it is bound, and says so', { ...GOOD, token_type: 'DPoP', cnf: { jkt: 'x' } }, 'bound', {}],
    ['it has `token_type` refresh_token', { ...GOOD, token_type: 'refresh_token' }, 'type', {}],
    ['it has `token_use` Refresh_Token', { ...GOOD, token_use: 'Refresh_Token' }, 'type', {}],
    ['it has `token_use` refresh', { ...GOOD, token_use: 'refresh' }, 'type', {}],
    ['it is an ID token', { ...GOOD, token_use: 'id' }, 'type', {}],
    ['it is an offline token', { ...GOOD, typ: 'Offline' }, 'type', {}],
    ['it is a logout token', { ...GOOD, typ: 'Logout' }, 'type', {}],
    ['it has a list as `typ`', { ...GOOD, typ: ['Bearer', 'ID'] }, 'type', {}],
    ['it has `token_type` id_token', { ...GOOD, token_type: 'id_token' }, 'type', {}],
    ['no audience is in the list', { ...GOOD, aud: [] }, 'audience', { audience: 'api' }],
  ])('denies if %s', async (_what, body, detail, given) => {
    const decision = await decisionOn(body, given)
    expect(decision).toMatchObject({ outcome: 'deny', reason: 'denied', detail })
    expect(decision.verifier).toBe('introspection')
  })

  function missing(): Given {
    return { audience: 'api', allowMissingAudience: true }
  }

  it.each<[string, object, Given]>([
    ['without anything else', {}, {}],
    ['with one of the audiences', { aud: ['x', 'api'] }, { audience: ['api', 'api2'] }],
    ['with the audience as a text', { aud: 'api' }, { audience: 'api' }],
    ['without an audience that may be missing', {}, missing()],
    ['with an empty list of audiences, as Hydra writes none', { aud: [] }, missing()],
    ['without an issuer', {}, { issuer: 'https://b' }],
    ['with the issuer', { iss: 'https://b' }, { issuer: 'https://b' }],
    ['with an end', { exp: LATER }, {}],
    ['a token that is for DPoP, and bound to no key', { token_type: 'DPoP' }, {}],
  ])('allows %s', async (_what, facts, given) => {
    const decision = await decisionOn({ ...GOOD, ...facts }, given)
    expect(decision).toMatchObject({ outcome: 'allow', principal: 'alice', endpointStatus: 200 })
  })

  it('ends at `exp` without tolerance, and begins 5 s before `nbf`', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 })
    expect(await decisionOn({ ...GOOD, exp: NOW })).toMatchObject({ detail: 'expired' })
    expect(await decisionOn({ ...GOOD, exp: NOW + 0.01 })).toMatchObject({ outcome: 'allow' })
    expect(await decisionOn({ ...GOOD, nbf: NOW + 5 })).toMatchObject({ outcome: 'allow' })
    expect(await decisionOn({ ...GOOD, nbf: NOW + 5.01 })).toMatchObject({
      detail: 'not_yet_valid',
    })
  })

  it('becomes an identity', async () => {
    const body = {
      ...GOOD,
      scope: 'read write',
      client_id: 'app',
      exp: LATER,
      org: { id: 'acme' },
      groups: ['a', 'b c'],
      acr: '2',
    }
    const given = { attributes: { groups: 'teams' }, tenant: 'org.id', exposeClaims: ['acr'] }
    const { auth } = await decisionOn(body, given)
    expect(auth).toEqual({
      principal: 'alice',
      attributes: { teams: ['a', 'b c'] },
      scopes: ['read', 'write'],
      clientId: 'app',
      tenant: 'acme',
      claims: { acr: '2' },
      expiresAt: LATER * 1000,
    })
  })
})

/** Answers with the fields that these servers send. */
describe('a server', () => {
  it('Authentik: a token of another provider is inactive, and has no more to say (CVE-2024-47077)', async () => {
    expect(await decisionOn({ active: false })).toMatchObject({ detail: 'inactive' })
    const body = {
      iss: 'https://ak.example.com/application/o/api/',
      sub: '4c6f',
      aud: 'client',
      exp: LATER,
      iat: NOW,
      acr: 'goauthentik.io/providers/oauth2/default',
      groups: ['authentik Admins'],
      active: true,
      scope: 'openid',
      client_id: 'client',
    }
    expect(await decisionOn(body, { attributes: { groups: 'teams' } })).toMatchObject({
      auth: { principal: '4c6f', attributes: { teams: ['authentik Admins'] } },
    })
  })

  it('Authelia: a token that an application got for itself may name no user', async () => {
    const body = { active: true, client_id: 'app', exp: LATER, iat: NOW, scope: 'a', username: '' }
    expect(await decisionOn(body)).toMatchObject({ detail: 'missing_claim' })
    const principal = ['sub', 'client_id']
    expect(await decisionOn(body, { principal })).toMatchObject({ principal: 'app' })
  })
})
