import {
  foldName,
  invalidOption,
  isOptionsObject,
  misusedOption,
} from '../../core/config/option-checks.ts'
import { parseHeader, parseProof } from './proof-options.ts'
import { parseVerifierOptions } from '../options.ts'
import { GATEWAY_HEADERS } from './signature.ts'
import type { Kind } from '../../core/config/kinds.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { OptionKinds } from '../options.ts'
import type { ResolvedProof, UpstreamProof } from './proof-options.ts'

/** The options of {@link fromUpstream}. */
export interface UpstreamOptions {
  /** Proves that a request comes from your proxy. */
  readonly proof: UpstreamProof
  /** The header of the principal: visible ASCII, which is percent-decoded with a signature. A request without it gets a 401. */
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

const UNSIGNED = 'left out beside `proof.signature`, which does not cover these headers'
const HEADER_FORM = { kind: 'header', scalar: 'string' } as const

const optionalHeader: Kind<string, string | undefined> = {
  form: HEADER_FORM,
  parse: (value, path) => (value === undefined ? undefined : parseHeader(value, path)),
}

const KINDS: OptionKinds<ResolvedUpstream> = {
  proof: { form: { kind: 'proof', isSecret: true }, parse: parseProof },
  principalHeader: { form: HEADER_FORM, parse: parseHeader },
  tenantHeader: optionalHeader,
  attributesHeader: optionalHeader,
  attributeHeaders: {
    form: { kind: 'attributeHeaders', entries: { kind: 'text', scalar: 'string' }, default: {} },
    parse: parseAttributeHeaders,
  },
}

/** @throws AuthConfigError with all problems. */
export function parseUpstreamOptions(value: unknown): ResolvedUpstream {
  const parsed = parseVerifierOptions<ResolvedUpstream>(
    KINDS,
    value,
    ({ proof }, given, problems) => {
      if (proof?.kind !== 'signature' || given.attributeHeaders === undefined) return
      problems.add(misusedOption(['attributeHeaders'], UNSIGNED))
    },
  )
  // A signature covers both, so both are read.
  const isSigned = parsed.proof.kind === 'signature'
  const upstream = {
    ...parsed,
    tenantHeader: parsed.tenantHeader ?? (isSigned ? GATEWAY_HEADERS.tenant : undefined),
    attributesHeader:
      parsed.attributesHeader ?? (isSigned ? GATEWAY_HEADERS.attributes : undefined),
  }
  rejectSharedNames(upstream)
  return upstream
}

function parseAttributeHeaders(value: unknown = {}, path: OptionPath): readonly AttributeHeader[] {
  if (!isOptionsObject(value)) {
    throw invalidOption(path, value, 'an object of header names and attributes')
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
