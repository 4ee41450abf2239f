import {
  foldName,
  invalidOption,
  isOptionsObject,
  misusedOption,
} from '../../core/config/option-checks.ts'
import { Problems } from '../../core/config/problems.ts'
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

/** A signature covers both, so both are read. */
function signedHeaders({ proof, tenantHeader, attributesHeader }: Partial<ResolvedUpstream>) {
  const { tenant, attributes } = proof?.kind === 'signature' ? GATEWAY_HEADERS : NO_HEADERS
  return {
    tenantHeader: tenantHeader ?? tenant,
    attributesHeader: attributesHeader ?? attributes,
  }
}

const NO_HEADERS = { tenant: undefined, attributes: undefined }

function parseAttributeHeaders(value: unknown = {}, path: OptionPath): readonly AttributeHeader[] {
  if (!isOptionsObject(value)) {
    throw invalidOption(path, value, 'an object of header names and attributes')
  }
  const problems = new Problems()
  const headers = Object.entries(value).flatMap(
    (entry) => problems.attempt(() => [parseAttributeHeader(entry, path)]) ?? [],
  )
  problems.throwIfAny()
  return headers
}

function parseAttributeHeader(
  [name, attribute]: [string, unknown],
  path: OptionPath,
): AttributeHeader {
  const header = parseHeader(name, path)
  if (typeof attribute === 'string' && attribute !== '') return [header, attribute]
  throw invalidOption([...path, name], attribute, 'the name of an attribute')
}

/** Each header must have one meaning. Some servers take `x_user` for `x-user`, so such names count as one. */
function rejectSharedNames(upstream: Partial<ResolvedUpstream>, problems: Problems): void {
  const { proof, principalHeader, tenantHeader, attributesHeader, attributeHeaders = [] } = upstream
  const proofHeader = proof !== undefined && 'header' in proof ? proof.header : undefined
  const named: readonly (readonly [OptionPath, string | undefined])[] = [
    [['principalHeader'], principalHeader],
    [['tenantHeader'], tenantHeader],
    [['attributesHeader'], attributesHeader],
    ...attributeHeaders.map(([name]) => [['attributeHeaders'], name] as const),
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
