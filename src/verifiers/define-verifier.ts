import { parseOptions } from '../core/config/interpreter.ts'
import { invalidOption, isOptionsObject } from '../core/config/option-checks.ts'
import { HEADER, READS } from '../core/config/options.ts'
import { CheckedVerifier, verifyBy } from '../core/endpoint/checked-verifier.ts'
import { parseVerifierOptions } from './options.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { VerifierParts } from '../core/endpoint/checked-verifier.ts'
import type { Context } from '../core/request/question.ts'
import type { AskVerifier, DefinedVerifier, VerifierTraits } from '../core/verifier.ts'

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

const TRUE: FormOf<true | undefined> = {
  kind: 'choice',
  choices: [true],
  expected: 'true, or left out',
}
const LIST = { kind: 'list', default: [], canBeEmpty: true } as const

const TABLE: Table<Parsed> = {
  ask: { kind: 'function', isRequired: true },
  reads: { kind: 'code', is: 'reads', read: parseReads },
  local: TRUE,
  consumes: { ...LIST, items: HEADER, expected: 'a list of header names' },
  namesCaller: TRUE,
  accepts: { kind: 'function' },
  label: {
    kind: 'text',
    pattern: /^[a-z][a-z\d_]{0,31}$/,
    expected: 'a lower-case letter, then at most 31 of a-z, 0-9 and "_"',
  },
  warnings: {
    ...LIST,
    items: { kind: 'text', pattern: /^/, expected: 'a string' },
    expected: 'a list of strings',
  },
  // Two verifiers with an empty one would share decisions.
  id: { kind: 'text', expected: 'a string that is not empty' },
  endsByItself: TRUE,
  describe: { kind: 'function' },
}

function parseReads(value: unknown, path: OptionPath): Context {
  if (isOptionsObject(value)) return parseOptions(READS, { ...NOTHING, ...value }, path)
  throw invalidOption(path, value, 'an object such as { headers: [] }')
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
  const { ask, describe, ...traits } = parseVerifierOptions(TABLE, withoutUndefined(definition))
  const byDefault = { type: traits.label ?? 'function' }
  return new CheckedVerifier({
    ...traits,
    ask,
    verify: verifyBy(ask),
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
