import { parseList, valueThat } from '../core/config/kinds.ts'
import { invalidOption, isOptionsObject, parseHeaderName } from '../core/config/option-checks.ts'
import { READS } from '../core/config/options.ts'
import { CheckedVerifier, decideBy } from '../core/endpoint/checked-verifier.ts'
import { parseVerifierOptions } from './options.ts'
import type { Kind } from '../core/config/kinds.ts'
import type { VerifierParts } from '../core/endpoint/checked-verifier.ts'
import type { Context } from '../core/request/question.ts'
import type { AskVerifier, ReadsConfig, DefinedVerifier, VerifierTraits } from '../core/verifier.ts'
import type { OptionKinds } from './options.ts'

/** A verifier for {@link defineVerifier}: how it decides, and what it says of itself. */
export interface VerifierDefinition extends VerifierTraits {
  /**
   * Decides about a token and the request that it came with. Returns `{ outcome: 'allow' }` or `{ outcome: 'deny' }`, and
   * throws `AuthUnavailableError` without an answer. The signal aborts at the deadline.
   */
  readonly ask: AskVerifier
}

interface Parsed {
  readonly ask: AskVerifier
  readonly reads: Context | undefined
  readonly local: true | undefined
  readonly consumes: readonly string[]
  readonly namesCaller: true | undefined
  readonly accepts: VerifierTraits['accepts']
  readonly label: string | undefined
  readonly warnings: readonly string[]
  readonly id: string | undefined
  readonly endsByItself: true | undefined
  readonly describe: VerifierTraits['describe']
}

const NOTHING: Context = {
  headers: [],
  params: 'none',
  path: false,
  method: false,
  clientAddress: false,
}

const reads: Kind<ReadsConfig, Context | undefined> = {
  form: READS.form,
  parse: (value, path) => {
    if (value === undefined) return undefined
    if (isOptionsObject(value)) return READS.parse({ ...NOTHING, ...value }, path)
    throw invalidOption(path, value, 'an object such as { headers: [] }')
  },
}

const isTrue = optional((value): value is true => value === true, 'true, or left out')
const label = optional(
  (value): value is string => typeof value === 'string' && /^[a-z][a-z\d_]{0,31}$/.test(value),
  'a lower-case letter, then at most 31 of a-z, 0-9 and "_"',
)
// Two verifiers with an empty one would share decisions.
const id = optional(
  (value): value is string => typeof value === 'string' && value !== '',
  'a string that is not empty',
)
const text = valueThat((value): value is string => typeof value === 'string', 'a string', {
  kind: 'text',
  default: '',
})

const KINDS: OptionKinds<Parsed> = {
  ask: {
    form: { kind: 'function' },
    parse: (value, path) => {
      if (typeof value === 'function') return value as AskVerifier
      throw invalidOption(path, value, 'a function')
    },
  },
  reads,
  local: isTrue,
  consumes: list(parseHeaderName, 'a list of header names'),
  namesCaller: isTrue,
  accepts: optional(isFunction<NonNullable<Parsed['accepts']>>, 'a function'),
  label,
  warnings: list(text.parse, 'a list of strings'),
  id,
  endsByItself: isTrue,
  describe: optional(isFunction<NonNullable<Parsed['describe']>>, 'a function'),
}

/**
 * Makes a verifier with traits: what it reads, its name in events, and more. A verifier without any is a plain function.
 *
 * @throws AuthConfigError for a trait that is not allowed: a misspelt value could change a decision.
 *
 * @example
 * ```ts
 * import { memoryCache, withAuth } from 'with-auth'
 * import { defineVerifier } from 'with-auth/verifiers'
 *
 * declare const sessions: { find(token: string): Promise<{ readonly user: string } | undefined> }
 *
 * const verifier = defineVerifier({
 *   ask: async ({ token }) => {
 *     const session = await sessions.find(token)
 *     return session ? { outcome: 'allow', principal: session.user } : { outcome: 'deny' }
 *   },
 *   // The token alone, so that one cached decision serves every request with it.
 *   reads: {},
 *   label: 'sessions',
 * })
 *
 * export default withAuth(() => new Response('hello'), { verifier, cache: memoryCache() })
 * ```
 */
export function defineVerifier(definition: VerifierDefinition): DefinedVerifier {
  return define(definition)
}

/** Makes a verifier, and adds what only this package can say of one. */
export function define(definition: VerifierDefinition, trustsNetwork?: true): CheckedVerifier {
  const { ask, describe, ...traits } = parseVerifierOptions(KINDS, withoutUndefined(definition))
  const byDefault = { type: traits.label ?? 'function' }
  return new CheckedVerifier({
    ...traits,
    ask,
    decide: decideBy(ask),
    describe: describe ?? (() => byDefault),
    trustsNetwork,
  })
}

/** Makes a verifier that differs from another in these parts alone. */
export function redefine(
  verifier: CheckedVerifier,
  changes: Partial<VerifierParts>,
): CheckedVerifier {
  const parts: VerifierParts = Object.assign({}, verifier, { source: undefined }, changes)
  return new CheckedVerifier(parts)
}

function withoutUndefined(definition: unknown): unknown {
  if (!isOptionsObject(definition)) return definition
  return Object.fromEntries(Object.entries(definition).filter(([, value]) => value !== undefined))
}

function optional<Value>(
  isAllowed: (value: unknown) => value is Value,
  expected: string,
): Kind<never, Value | undefined> {
  return {
    form: { kind: 'trait' },
    parse: (value, path) => {
      if (value === undefined || isAllowed(value)) return value
      throw invalidOption(path, value, expected)
    },
  }
}

function list(
  parseItem: Parameters<typeof parseList<string>>[2],
  expected: string,
): Kind<never, readonly string[]> {
  return {
    form: { kind: 'list' },
    parse: (value = [], path) => {
      if (Array.isArray(value)) return parseList<string>(value, path, parseItem)
      throw invalidOption(path, value, expected)
    },
  }
}

function isFunction<Fn>(value: unknown): value is Fn {
  return typeof value === 'function'
}
