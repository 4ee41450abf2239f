import { parseServiceUrl } from '../core/config/service-url.ts'
import { ENDPOINT_HEADERS } from '../core/config/endpoint-headers.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import { readName } from '../core/endpoint/claim-path.ts'
import { ATTRIBUTES, CLAIM_PATH, NAMES, parseVerifierOptions, TEXTS } from '../verifiers/options.ts'
import { requireDiscoverable } from '../verifiers/discovery.ts'
import { ANY_ISSUER } from '../verifiers/any-issuer.ts'
import { isPublicKey, parseKeySet } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import type { Transport } from '../core/verifier.ts'
import type { Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'

/** Public keys that an option holds. `given` is the option as it was. */
interface GivenKeys {
  readonly set: KeySet
  readonly given: unknown
}

export type FetchSet = () => unknown

/** Options with their defaults. */
export interface ParsedOptions {
  /** `undefined` if any will do. */
  readonly issuer: string | undefined
  readonly audience: readonly string[]
  /** Without it and without `keys` the issuer says where the keys are. */
  readonly jwksUri: string | undefined
  readonly keys: GivenKeys | FetchSet | undefined
  readonly algorithms: readonly string[]
  readonly types: readonly string[] | undefined
  readonly clockToleranceSeconds: number
  readonly maxTokenAgeSeconds: number | undefined
  readonly requiredClaims: readonly string[]
  readonly principal: string
  readonly attributes: Readonly<Record<string, string>>
  readonly tenant: string | undefined
  readonly exposeClaims: readonly string[]
  readonly keysMaxAgeMs: number
  readonly keysMaxStaleMs: number
  readonly jwksHeaders: Readonly<Record<string, string>>
  readonly allowInsecureHttp: boolean
  readonly fetch: Transport | undefined
  readonly timeoutMs: number
}

/** As the table has them. */
type Filled = Omit<ParsedOptions, 'issuer'> & { readonly issuer: string | typeof ANY_ISSUER }

export const ALGORITHMS: readonly string[] =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

const TABLE: Table<Filled> = {
  issuer: { kind: 'text', isRequired: true, also: [ANY_ISSUER] },
  audience: { ...TEXTS, isRequired: true, hint: 'tokens for other APIs must be rejected' },
  jwksUri: { kind: 'url' },
  keys: { kind: 'code', is: 'keys', read: parseKeys },
  algorithms: {
    kind: 'list',
    default: ALGORITHMS,
    items: { kind: 'code', is: 'algorithm', read: parseAlgorithm },
    expected: 'a non-empty list of algorithms',
  },
  types: { kind: 'list', items: { kind: 'text' }, expected: 'a non-empty list of texts' },
  clockToleranceSeconds: { kind: 'integer', default: 5, min: 0, max: 300 },
  maxTokenAgeSeconds: { kind: 'integer', min: 1, max: 31_536_000 },
  requiredClaims: NAMES,
  principal: { ...CLAIM_PATH, default: 'sub' },
  attributes: ATTRIBUTES,
  tenant: CLAIM_PATH,
  exposeClaims: NAMES,
  keysMaxAgeMs: { kind: 'milliseconds', default: 600_000, min: 60_000, max: 86_400_000 },
  keysMaxStaleMs: { kind: 'milliseconds', default: 3_600_000, min: 0, max: 86_400_000 },
  jwksHeaders: ENDPOINT_HEADERS,
  allowInsecureHttp: { kind: 'boolean', default: false },
  fetch: { kind: 'function' },
  timeoutMs: { kind: 'milliseconds', default: 5000, min: 1, max: 60_000 },
}

/** @throws AuthConfigError with all problems. */
export function parseJwtOptions(value: unknown): ParsedOptions {
  const { issuer, ...rest } = parseVerifierOptions(TABLE, value, (parsed, given, problems) => {
    const { issuer: named, jwksUri, allowInsecureHttp = false } = parsed
    if (given.jwksUri !== undefined && given.keys !== undefined) {
      problems.add(misusedOption(['keys'], 'left out beside `jwksUri`: give one of them'))
    }
    if (given.jwksUri === undefined && given.jwksHeaders !== undefined) {
      problems.add(misusedOption(['jwksHeaders'], 'left out without `jwksUri`'))
    }
    if (jwksUri !== undefined) {
      problems.attempt(() => parseServiceUrl(jwksUri, ['jwksUri'], allowInsecureHttp))
    }
    if (given.jwksUri === undefined && given.keys === undefined && named !== undefined) {
      const start = named === ANY_ISSUER ? '' : named
      problems.attempt(() =>
        requireDiscoverable(start, allowInsecureHttp, 'or give `jwksUri` or `keys`'),
      )
    }
  })
  return { issuer: issuer === ANY_ISSUER ? undefined : issuer, ...rest }
}

function parseAlgorithm(value: unknown, path: OptionPath): string {
  const known = ALGORITHMS.find((one) => one === value)
  if (known !== undefined) return known
  const isSymmetric = typeof value === 'string' && /HS\d/i.test(value)
  const hint = 'whoever can check such a token can also make one'
  const expected = `one of ${ALGORITHMS.join(', ')}`
  throw invalidOption(path, value, expected, isSymmetric ? { hint } : {})
}

const PUBLIC_MEMBERS = 'kty crv x y n e kid alg use key_ops'.split(' ')

// Others may be secrets, which are never shown.
function publicMembers(key: unknown): object {
  const members = PUBLIC_MEMBERS.map((name) => [name, readName(key, name)] as const)
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

function parseKeys(value: unknown, path: OptionPath): GivenKeys | FetchSet {
  if (typeof value === 'function') return value as FetchSet
  const list = isOptionsObject(value) ? readName(value, 'keys') : undefined
  if (!Array.isArray(list)) {
    const expected = 'a JSON Web Key Set, { keys: [...] }, or a function that fetches one'
    throw invalidSecret(path, expected)
  }
  const problems = new Problems()
  for (const [index, key] of list.entries()) {
    if (!isPublicKey(key)) problems.add(invalidSecret([...path, 'keys', index], 'a public key'))
  }
  problems.throwIfAny()
  const set = parseKeySet(value)
  if (set !== undefined) return { set, given: list.map(publicMembers) }
  throw invalidSecret(path, 'a set of at most 100 keys, with at least one for signatures')
}
