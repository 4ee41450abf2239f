import { invalidOption, misusedOption } from './option-checks.ts'
import { CheckedVerifier, verifierOf } from '../endpoint/checked-verifier.ts'
import { WITHHELD } from '../request/question.ts'
import type { VerifierFunction, VerifierTraits } from '../verifier.ts'
import type { Context } from '../request/question.ts'
import type { FormOf } from './form.ts'
import type { OptionPath, Problems } from './problems.ts'

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
 * Adds a problem for each part of a request that a verifier reads and the config leaves out: one decision would serve requests
 * that differ in it.
 */
export function rejectLacking(
  reads: Context,
  told: Pick<Context, 'headers' | 'params' | 'path' | 'method'>,
  problems: Problems,
): void {
  for (const name of ['path', 'method', 'params', 'headers'] as const) {
    const missing = missingPart(reads[name], told[name])
    if (missing === undefined) continue
    const expected = `told as the verifier reads it: ${missing}`
    problems.add(misusedOption(['context', name], expected))
  }
}

type Part = Context['headers' | 'params' | 'path' | 'method']

function missingPart(read: Part, told: Part): string | undefined {
  if (read === told || read === false || read === 'none') return undefined
  if (typeof read !== 'object') return JSON.stringify(read)
  const isTold = (name: string): boolean =>
    typeof told === 'object' ? told.includes(name) : !WITHHELD.has(name)
  const missing = read.find((name) => !isTold(name))
  return missing === undefined ? undefined : `with ${JSON.stringify(missing)}`
}
