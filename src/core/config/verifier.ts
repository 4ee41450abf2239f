import { parseOptions } from './interpreter.ts'
import { invalidOption, misusedOption } from './option-checks.ts'
import { CheckedVerifier, verifierOf } from '../endpoint/checked-verifier.ts'
import { WITHHELD } from '../request/question.ts'
import type { ContextConfig, VerifierFunction, VerifierTraits } from '../verifier.ts'
import type { Context } from '../request/question.ts'
import type { FormOf, Table } from './form.ts'
import type { OptionPath, Problems } from './problems.ts'

type Needed = Omit<Context, 'clientAddress'>

const FORM = 'a function, or a verifier that this copy of with-auth has made'
/** A function that carries one of them means to be more than a function. */
const TRAITS: readonly (keyof VerifierTraits)[] = [
  'reads',
  'local',
  'consumes',
  'namesCaller',
  'accepts',
  'label',
  'warnings',
  'id',
  'endsByItself',
  'describe',
]

/** A verifier, or nothing. */
export const VERIFIER: FormOf<CheckedVerifier | undefined> = {
  kind: 'code',
  is: 'function',
  read: parseVerifier,
}

/** Parses a verifier. Ignored traits could change a decision, so a function must have none. */
export function parseVerifier(value: unknown, path: OptionPath): CheckedVerifier {
  if (value instanceof CheckedVerifier) return value
  if (!isFunction(value)) throw invalidOption(path, value, FORM)
  const traits = TRAITS.filter((name) => name in value)
  if (traits.length === 0) return verifierOf(value)
  const call = `defineVerifier({ ${['ask', ...traits].join(', ')} })`
  const quoted = traits.map((name) => JSON.stringify(name)).join(', ')
  const expected = `made by defineVerifier() of with-auth/verifiers, since the function carries ${quoted}: ${call}`
  throw misusedOption(path, expected)
}

// The arguments and the result are checked with each call.
function isFunction(value: unknown): value is VerifierFunction {
  return typeof value === 'function'
}

/**
 * The context of a verifier that says what it reads: that, and what the config adds. A config that leaves out a part that the
 * verifier reads would give one decision to requests that differ in it.
 */
export function contextFor(
  reads: Context,
  given: object,
  table: Table<Required<ContextConfig>>,
  problems: Problems,
): Required<ContextConfig> {
  const path: OptionPath = ['context']
  const { clientAddress: _, ...needed } = reads
  const context = parseOptions(table, { ...needed, ...given }, path)
  for (const part of lacking(needed, context)) {
    const expected = `told as the verifier reads it: ${part.expected}`
    problems.add(misusedOption([...path, part.name], expected))
  }
  return context
}

function lacking(needed: Needed, context: Needed): { name: string; expected: string }[] {
  const flags = (['path', 'method'] as const)
    .filter((name) => needed[name] && !context[name])
    .map((name) => ({ name, expected: 'true' }))
  const isOther = needed.params !== 'none' && needed.params !== context.params
  const params = isOther ? [{ name: 'params', expected: JSON.stringify(needed.params) }] : []
  const header = missingHeader(needed.headers, context.headers)
  const headers = header === undefined ? [] : [{ name: 'headers', expected: header }]
  return [...flags, ...params, ...headers]
}

function missingHeader(needed: Context['headers'], told: Context['headers']): string | undefined {
  if (needed === 'all') return told === 'all' ? undefined : '"all"'
  const isTold = (name: string): boolean =>
    told === 'all' ? !WITHHELD.has(name) : told.includes(name)
  const missing = needed.find((name) => !isTold(name))
  return missing === undefined ? undefined : `with ${JSON.stringify(missing)}`
}
