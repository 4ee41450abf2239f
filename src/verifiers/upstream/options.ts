import {
  foldName,
  invalidOption,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../../core/config/option-checks.ts'
import { parseHeader, parseProof } from './proof-options.ts'
import { GATEWAY_HEADERS } from './signature.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { ResolvedProof, UpstreamProof } from './proof-options.ts'

/** The options of {@link fromUpstream}. */
export interface UpstreamOptions {
  /** What shows that a request comes from your proxy. */
  readonly proof: UpstreamProof
  /** The header of the principal, percent-encoded where it is not visible ASCII. A request without it gets a 401. */
  readonly principalHeader: string
  /** The header of the tenant. With a signature the default is `'x-auth-tenant'`. */
  readonly tenantHeader?: string
  /** The header of the attributes, as a JSON object. With a signature the default is `'x-auth-attributes'`. */
  readonly attributesHeader?: string
  /**
   * Attributes with a header of their own, by its name: `{ 'x-auth-request-groups': 'teams' }`. The value is a JSON list of texts,
   * a JSON text, or a plain text without commas. Not with a signature, which does not cover them.
   */
  readonly attributeHeaders?: Readonly<Record<string, string>>
}

export interface ResolvedUpstream {
  readonly proof: ResolvedProof
  readonly principalHeader: string
  readonly tenantHeader: string | undefined
  readonly attributesHeader: string | undefined
  readonly attributeHeaders: readonly AttributeHeader[]
}

type AttributeHeader = readonly [header: string, attribute: string]

const NAMES = [
  'proof',
  'principalHeader',
  'tenantHeader',
  'attributesHeader',
  'attributeHeaders',
] as const
// A signature covers both, so both must be read.
const SIGNED = {
  tenantHeader: GATEWAY_HEADERS.tenant,
  attributesHeader: GATEWAY_HEADERS.attributes,
} as const

/** @throws AuthConfigError */
export function parseUpstreamOptions(value: unknown): ResolvedUpstream {
  const options = readOptions(value, NAMES)
  const proof = parseProof(options.proof)
  const isSigned = proof.kind === 'signature'
  const optional = (name: 'tenantHeader' | 'attributesHeader'): string | undefined => {
    if (options[name] !== undefined) return parseHeader(options[name], [name])
    return isSigned ? SIGNED[name] : undefined
  }
  const upstream = {
    proof,
    principalHeader: parseHeader(options.principalHeader, ['principalHeader']),
    tenantHeader: optional('tenantHeader'),
    attributesHeader: optional('attributesHeader'),
    attributeHeaders: parseAttributeHeaders(options.attributeHeaders, isSigned),
  }
  rejectSharedNames(upstream)
  return upstream
}

function parseAttributeHeaders(value: unknown, isSigned: boolean): readonly AttributeHeader[] {
  const path = ['attributeHeaders']
  if (value === undefined) return []
  if (!isOptionsObject(value)) {
    throw invalidOption(path, value, 'an object of header names and attributes')
  }
  if (isSigned) {
    throw misusedOption(
      path,
      'left out beside `proof.signature`, which does not cover these headers',
    )
  }
  return Object.entries(value).map(([name, attribute]: [string, unknown]) => {
    const header = parseHeader(name, path)
    if (typeof attribute === 'string' && attribute !== '') return [header, attribute] as const
    throw invalidOption([...path, name], attribute, 'the name of an attribute')
  })
}

/** Each header must have one meaning. Some servers take `x_user` for `x-user`, so such names count as one. */
function rejectSharedNames(upstream: ResolvedUpstream): void {
  const { proof, principalHeader, tenantHeader, attributesHeader, attributeHeaders } = upstream
  const proofHeader = 'header' in proof ? proof.header : undefined
  const named: readonly (readonly [OptionPath, string | undefined])[] = [
    [['principalHeader'], principalHeader],
    [['tenantHeader'], tenantHeader],
    [['attributesHeader'], attributesHeader],
    ...attributeHeaders.map(([name]) => [['attributeHeaders'], name] as const),
    [['proof', proof.kind], proofHeader],
  ]
  const seen = new Set<string>()
  for (const [path, name] of named) {
    if (name === undefined) continue
    const folded = foldName(name)
    if (seen.has(folded))
      throw invalidOption(path, name, 'another header than the other options name')
    seen.add(folded)
  }
}
