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

/** The paths of the options that are wrong. */
function wrongIn(options: unknown): string[] {
  try {
    make(options)
    return []
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    return error.problems.map(({ optionPath }) => optionPath.join('.'))
  }
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

describe('fromUpstream rejects', () => {
  it.each(['X-User', 'x_proxy_secret'])(
    '%s as the header of the request id: it is logged',
    (name) => {
      const config = { ...fromUpstream(OPTIONS), requestIdHeader: name }
      expect(() => withAuth(() => new Response(), config)).toThrow(
        expect.objectContaining({ option: 'requestIdHeader' }),
      )
    },
  )

  it('all of it at once', () => {
    const some = words('proof principalHeader tenantHeader')
    expect(wrongIn({ proof: SECRET, tenantHeader: '' })).toEqual(some)
    const proof = { signature: 'a b', secret: 'short', maxAgeSeconds: 0 }
    const attributeHeaders = { 'x groups': 'teams', 'x-a': '' }
    const given = { proof, principalHeader: 'x-a', tenantHeader: 'x_a', attributeHeaders }
    expect(wrongIn(given)).toEqual(
      words(`proof.secret proof.signature proof.maxAgeSeconds attributeHeaders attributeHeaders.x-a
        attributeHeaders tenantHeader`),
    )
  })
})
