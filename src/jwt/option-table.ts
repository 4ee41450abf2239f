import { endpointHeaders } from '../core/config/endpoint.ts'
import { boolean, callback, integer, milliseconds, parseList } from '../core/config/kinds.ts'
import { invalidOption, isOptionsObject } from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import type { Transport } from '../core/auth-config.ts'
import type { Kind } from '../core/config/kinds.ts'
import type { OptionPath } from '../core/config/problems.ts'

/** The options that are valid one by one, with their defaults. `jwksUri` and `keys` depend on others. */
export interface SimpleOptions {
  readonly issuer: string
  readonly audience: readonly string[]
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

type Parse<Value> = (value: unknown, path: OptionPath) => Value

const ALGORITHMS = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

/** One kind for each simple option. */
export const TABLE: { readonly [Name in keyof SimpleOptions]: Kind<never, SimpleOptions[Name]> } = {
  issuer: by(parseText),
  audience: by(parseAudience),
  algorithms: by((value, path) => optional(parseAlgorithms)(value, path) ?? ALGORITHMS),
  types: by(optional(parseTexts)),
  clockToleranceSeconds: integer({ default: 5, min: 0, max: 300 }),
  maxTokenAgeSeconds: by(optional(integer({ default: 1, min: 1, max: 31_536_000 }).parse)),
  requiredClaims: by((value, path) => optional(parseNames)(value, path) ?? []),
  principal: by((value, path) => optional(parseText)(value, path) ?? 'sub'),
  attributes: by((value, path) => optional(parseMapping)(value, path) ?? {}),
  tenant: by(optional(parseText)),
  exposeClaims: by((value, path) => optional(parseNames)(value, path) ?? []),
  keysMaxAgeMs: milliseconds({ default: 600_000, min: 60_000, max: 86_400_000 }),
  keysMaxStaleMs: milliseconds({ default: 3_600_000, min: 0, max: 86_400_000 }),
  jwksHeaders: endpointHeaders,
  allowInsecureHttp: boolean(false),
  fetch: callback<Transport>(),
  timeoutMs: milliseconds({ default: 5000, min: 1, max: 60_000 }),
}

function by<Value>(parse: Parse<Value>): Kind<never, Value> {
  return { form: { kind: 'value' }, parse }
}

function optional<Value>(parse: Parse<Value>): Parse<Value | undefined> {
  return (value, path) => (value === undefined ? undefined : parse(value, path))
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function parseText(value: unknown, path: OptionPath): string {
  if (isText(value)) return value
  throw invalidOption(path, value, 'a non-empty text')
}

function parseNames(value: unknown, path: OptionPath): readonly string[] {
  if (!Array.isArray(value)) throw invalidOption(path, value, 'a list of texts')
  return parseList(value, path, parseText)
}

function parseTexts(value: unknown, path: OptionPath): readonly string[] {
  if (Array.isArray(value) && value.length > 0) return parseList(value, path, parseText)
  throw invalidOption(path, value, 'a non-empty list of texts')
}

function parseAudience(value: unknown, path: OptionPath): readonly string[] {
  if (isText(value)) return Object.freeze([value])
  if (Array.isArray(value) && value.length > 0) return parseList(value, path, parseText)
  const hint = 'tokens for other APIs must be rejected'
  throw invalidOption(path, value, 'a text or a non-empty list of texts', { hint })
}

function parseAlgorithms(value: unknown, path: OptionPath): readonly string[] {
  if (Array.isArray(value) && value.length > 0) return parseList(value, path, parseAlgorithm)
  throw invalidOption(path, value, 'a non-empty list of algorithms')
}

function parseAlgorithm(value: unknown, path: OptionPath): string {
  const known = ALGORITHMS.find((one) => one === value)
  if (known !== undefined) return known
  const isSymmetric = typeof value === 'string' && /^HS\d/i.test(value)
  const hint = 'whoever can check such a token can also make one'
  const expected = `one of ${ALGORITHMS.join(', ')}`
  throw invalidOption(path, value, expected, isSymmetric ? { hint } : {})
}

function parseMapping(value: unknown, path: OptionPath): Readonly<Record<string, string>> {
  if (!isOptionsObject(value)) {
    throw invalidOption(path, value, 'an object of claim paths and attributes')
  }
  const problems = new Problems()
  const entries = Object.entries(value).flatMap(([claim, attribute]) => {
    const parse = (): string => parseText(attribute, [...path, claim])
    const name = problems.attempt(parse)
    return name === undefined ? [] : [[claim, name]]
  })
  problems.throwIfAny()
  return Object.freeze(Object.fromEntries(entries))
}
