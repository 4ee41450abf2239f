import { endpointHeaders, parseServiceUrl } from '../core/config/endpoint.ts'
import { boolean, callback, integer, milliseconds, parseList } from '../core/config/kinds.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import { readName } from '../core/endpoint/claim-path.ts'
import {
  attributes,
  claimPath,
  names,
  optionalText,
  parseVerifierOptions,
} from '../verifiers/options.ts'
import { requireDiscoverable } from '../verifiers/discovery.ts'
import { ANY_ISSUER } from '../verifiers/any-issuer.ts'
import { isPublicKey, parseKeySet } from './key-set.ts'
import type { KeySet } from './key-set.ts'
import type { Transport } from '../core/verifier.ts'
import type { Kind } from '../core/config/kinds.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { OptionKinds } from '../verifiers/options.ts'

/** Public keys that an option holds. `given` is the option as it was. */
export interface GivenKeys {
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

export const ALGORITHMS: readonly string[] =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

const TABLE: OptionKinds<ParsedOptions> = {
  issuer: by('text', (value, path) => (value === ANY_ISSUER ? undefined : parseText(value, path))),
  audience: by('texts', parseAudience),
  jwksUri: by('endpoint', parseJwksUri),
  keys: by('keys', parseKeys),
  algorithms: by('texts', parseAlgorithms),
  types: by('texts', parseTypes),
  clockToleranceSeconds: integer({ default: 5, min: 0, max: 300 }),
  maxTokenAgeSeconds: by('integer', parseMaxTokenAge),
  requiredClaims: names,
  principal: by('claimPath', (value = 'sub', path) => claimPath.parse(value, path) ?? ''),
  attributes,
  tenant: claimPath,
  exposeClaims: names,
  keysMaxAgeMs: milliseconds({ default: 600_000, min: 60_000, max: 86_400_000 }),
  keysMaxStaleMs: milliseconds({ default: 3_600_000, min: 0, max: 86_400_000 }),
  jwksHeaders: endpointHeaders,
  allowInsecureHttp: boolean(false),
  fetch: callback<Transport>(),
  timeoutMs: milliseconds({ default: 5000, min: 1, max: 60_000 }),
}

/** @throws AuthConfigError with all problems. */
export function parseJwtOptions(value: unknown): ParsedOptions {
  return parseVerifierOptions<ParsedOptions>(TABLE, value, (parsed, given, problems) => {
    const { issuer, jwksUri, allowInsecureHttp = false } = parsed
    if (given.jwksUri !== undefined && given.keys !== undefined) {
      problems.add(misusedOption(['keys'], 'left out beside `jwksUri`: give one of them'))
    }
    if (given.jwksUri === undefined && given.jwksHeaders !== undefined) {
      problems.add(misusedOption(['jwksHeaders'], 'left out without `jwksUri`'))
    }
    if (jwksUri !== undefined) {
      problems.attempt(() => parseServiceUrl(jwksUri, ['jwksUri'], allowInsecureHttp))
    }
    const isGood = issuer !== undefined || given.issuer === ANY_ISSUER
    if (given.jwksUri === undefined && given.keys === undefined && isGood) {
      problems.attempt(() =>
        requireDiscoverable(issuer ?? '', allowInsecureHttp, 'or give `jwksUri` or `keys`'),
      )
    }
  })
}

function by<Value>(kind: string, parse: Kind<never, Value>['parse']): Kind<never, Value> {
  return { form: { kind }, parse }
}

function parseText(value: unknown, path: OptionPath): string {
  const text = optionalText.parse(value, path)
  if (text !== undefined) return text
  throw invalidOption(path, value, 'a text that is not empty')
}

function parseAudience(value: unknown, path: OptionPath): readonly string[] {
  if (typeof value === 'string' && value !== '') return Object.freeze([value])
  const expected = 'a text or a non-empty list of texts'
  const hint = 'tokens for other APIs must be rejected'
  return parseFilled(value, path, parseText, expected, hint)
}

function parseTypes(value: unknown, path: OptionPath): readonly string[] | undefined {
  if (value === undefined) return undefined
  return parseFilled(value, path, parseText, 'a non-empty list of texts')
}

function parseAlgorithms(value: unknown, path: OptionPath): readonly string[] {
  if (value === undefined) return ALGORITHMS
  return parseFilled(value, path, parseAlgorithm, 'a non-empty list of algorithms')
}

function parseAlgorithm(value: unknown, path: OptionPath): string {
  const known = ALGORITHMS.find((one) => one === value)
  if (known !== undefined) return known
  const isSymmetric = typeof value === 'string' && /^HS\d/i.test(value)
  const hint = 'whoever can check such a token can also make one'
  const expected = `one of ${ALGORITHMS.join(', ')}`
  throw invalidOption(path, value, expected, isSymmetric ? { hint } : {})
}

function parseFilled(
  value: unknown,
  path: OptionPath,
  parseItem: (item: unknown, path: OptionPath) => string,
  expected: string,
  hint?: string,
): readonly string[] {
  if (Array.isArray(value) && value.length > 0) return parseList(value, path, parseItem)
  throw invalidOption(path, value, expected, hint === undefined ? {} : { hint })
}

function parseMaxTokenAge(value: unknown, path: OptionPath): number | undefined {
  if (value === undefined) return undefined
  return integer({ default: 1, min: 1, max: 31_536_000 }).parse(value, path)
}

function parseJwksUri(value: unknown, path: OptionPath): string | undefined {
  return value === undefined ? undefined : parseServiceUrl(value, path, true)
}

const PUBLIC_MEMBERS = 'kty crv x y n e kid alg use key_ops'.split(' ')

// Others may be secrets, which are never shown.
function publicMembers(key: unknown): object {
  const members = PUBLIC_MEMBERS.map((name) => [name, readName(key, name)] as const)
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

function parseKeys(value: unknown, path: OptionPath): GivenKeys | FetchSet | undefined {
  if (value === undefined) return undefined
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
