import {
  foldName,
  invalidOption,
  isOptionsObject,
  misusedOption,
} from '../../core/config/option-checks.ts'
import { parseAttributeHeaders } from './attribute-headers.ts'
import { IDENTITY_HEADER, parseProof } from './proof-options.ts'
import { parseVerifierOptions } from '../options.ts'
import { GATEWAY_HEADERS } from './signature.ts'
import type { Table } from '../../core/config/form.ts'
import type { OptionPath, Problems } from '../../core/config/problems.ts'
import type { AttributeHeader, AttributeHeaderForm } from './attribute-headers.ts'
import type { ResolvedProof, UpstreamProof } from './proof-options.ts'

/** The options of {@link fromUpstream}. */
export interface UpstreamOptions {
  /** Proves that a request comes from your proxy. */
  readonly proof: UpstreamProof
  /**
   * The header of the principal: a text in UTF-8, which is percent-decoded if the signature of the gateway says that it is encoded. A
   * request without it gets a 401.
   */
  readonly principalHeader: string
  /** The header of the tenant. With a signature the default is `'x-auth-tenant'`. */
  readonly tenantHeader?: string
  /** The header of the attributes, as a JSON object. With a signature the default is `'x-auth-attributes'`. */
  readonly attributesHeader?: string
  /** The header of the scopes, with a blank between two. With a signature the default is `'x-auth-scopes'`. */
  readonly scopesHeader?: string
  /** The header of the client ID of the application. With a signature the default is `'x-auth-client'`. */
  readonly clientHeader?: string
  /**
   * Attributes with a header of their own, by its name. oauth2-proxy sends the groups of a caller as
   * `{ 'x-forwarded-groups': { attribute: 'teams', separator: ',' } }`. A name alone, as in `{ 'x-team': 'teams' }`, takes the value
   * as one text, and a comma in it is a 401, since two headers of one name are joined with a comma. The proxy must write or remove
   * each of these headers in every request: what it leaves alone is what the client says. Not with a signature, which does not
   * cover them.
   */
  readonly attributeHeaders?: Readonly<Record<string, AttributeHeaderForm>>
}

export interface ResolvedUpstream {
  readonly proof: ResolvedProof
  readonly principalHeader: string
  readonly tenantHeader: string | undefined
  readonly attributesHeader: string | undefined
  readonly scopesHeader: string | undefined
  readonly clientHeader: string | undefined
  readonly attributeHeaders: readonly AttributeHeader[]
}

const UNSIGNED = 'left out beside `proof.signature`, which does not cover these headers'

const TABLE: Table<ResolvedUpstream> = {
  proof: { kind: 'code', is: 'proof', isSecret: true, isRequired: true, read: parseProof },
  principalHeader: { ...IDENTITY_HEADER, isRequired: true },
  tenantHeader: IDENTITY_HEADER,
  attributesHeader: IDENTITY_HEADER,
  scopesHeader: IDENTITY_HEADER,
  clientHeader: IDENTITY_HEADER,
  attributeHeaders: {
    kind: 'code',
    is: 'attributeHeaders',
    default: {},
    read: parseAttributeHeaders,
  },
}

/** @throws AuthConfigError with all problems. */
export function parseUpstreamOptions(value: unknown): ResolvedUpstream {
  const parsed = parseVerifierOptions(
    TABLE,
    value,
    (valid, { proof, attributeHeaders }, problems) => {
      // A signature with a wrong secret is one, too.
      const isSigned = isOptionsObject(proof) && 'signature' in proof
      if (isSigned && attributeHeaders !== undefined) {
        problems.add(misusedOption(['attributeHeaders'], UNSIGNED))
      }
      rejectSharedNames({ ...valid, ...signedHeaders(valid) }, problems)
    },
  )
  return { ...parsed, ...signedHeaders(parsed) }
}

/** A signature covers them all, so all are read. */
function signedHeaders(upstream: Partial<ResolvedUpstream>) {
  const { proof, tenantHeader, attributesHeader, scopesHeader, clientHeader } = upstream
  const defaults = proof?.kind === 'signature' ? GATEWAY_HEADERS : undefined
  return {
    tenantHeader: tenantHeader ?? defaults?.tenant,
    attributesHeader: attributesHeader ?? defaults?.attributes,
    scopesHeader: scopesHeader ?? defaults?.scopes,
    clientHeader: clientHeader ?? defaults?.client,
  }
}

const NAMED = [
  'principalHeader',
  'tenantHeader',
  'attributesHeader',
  'scopesHeader',
  'clientHeader',
] as const

/** Each header must have one meaning. Some servers take `x_user` for `x-user`, so such names count as one. */
function rejectSharedNames(upstream: Partial<ResolvedUpstream>, problems: Problems): void {
  const { proof, attributeHeaders = [] } = upstream
  const proofHeader = proof !== undefined && 'header' in proof ? proof.header : undefined
  const named: readonly (readonly [OptionPath, string | undefined])[] = [
    ...NAMED.map((option) => [[option], upstream[option]] as const),
    ...attributeHeaders.map(({ header }) => [['attributeHeaders'], header] as const),
    [['proof', proof?.kind ?? ''], proofHeader],
  ]
  const seen = new Set<string>()
  for (const [path, name] of named) {
    if (name === undefined) continue
    const folded = foldName(name)
    if (seen.has(folded)) {
      problems.add(invalidOption(path, name, 'another header than the other options name'))
    }
    seen.add(folded)
  }
}
