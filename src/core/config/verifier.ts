import { invalidOption, misusedOption } from './option-checks.ts'
import type { ContextConfig, Verifier } from '../verifier.ts'
import type { Kind } from './kinds.ts'
import type { OptionPath, Problems } from './problems.ts'

/** The properties of a verifier, read once. */
export interface VerifierTraits {
  readonly reads: ContextConfig | undefined
  readonly local: boolean
  readonly label: string | undefined
  readonly warnings: readonly string[]
  readonly id: string | undefined
}

type Context = Required<ContextConfig>

const NOTHING: Context = {
  headers: [],
  params: 'none',
  path: false,
  method: false,
  clientAddress: false,
}

/** The properties of a verifier. Each that is there must have its type, since a misspelt value could change a decision. */
export function readTraits(verifier: Verifier, problems: Problems): VerifierTraits {
  const { reads, local, label, warnings = [], id } = verifier
  const require = (isRight: boolean, name: string, value: unknown, expected: string): void => {
    if (!isRight) problems.add(invalidOption(['verifier', name], value, expected))
  }
  const isText = (value: unknown): boolean => value === undefined || typeof value === 'string'
  require(local === undefined || local === true, 'local', local, 'true, or left out')
  require(isText(id), 'id', id, 'a string')
  const isLabel = label === undefined || /^[a-z][a-z\d_]{0,31}$/.test(String(label))
  require(isLabel, 'label', label, 'a lower-case letter, then at most 31 of a-z, 0-9 and _')
  const isList = Array.isArray(warnings) && warnings.every((one) => typeof one === 'string')
  require(isList, 'warnings', warnings, 'a list of strings')
  return { reads, local: local === true, label, warnings: [...warnings], id }
}

/**
 * The context of a verifier that says what it reads: that, and what the config adds. A config that leaves out a part that the
 * verifier reads would give one decision to requests that differ in it.
 */
export function contextFor(
  reads: ContextConfig,
  given: object,
  kind: Kind<ContextConfig, Context>,
  problems: Problems,
): Context {
  const path: OptionPath = ['context']
  const needed = kind.parse({ ...NOTHING, ...reads }, ['verifier', 'reads'])
  const context = kind.parse({ ...needed, ...given }, path)
  for (const part of lacking(needed, context)) {
    const expected = `told as the verifier reads it: ${part.expected}`
    problems.add(misusedOption([...path, part.name], expected))
  }
  return context
}

function lacking(needed: Context, context: Context): { name: string; expected: string }[] {
  const flags = (['path', 'method', 'clientAddress'] as const)
    .filter((name) => needed[name] && !context[name])
    .map((name) => ({ name, expected: 'true' }))
  const isOther = needed.params !== 'none' && needed.params !== context.params
  const params = isOther ? [{ name: 'params', expected: JSON.stringify(needed.params) }] : []
  const header = missingHeader(needed.headers, context.headers)
  const headers = header === undefined ? [] : [{ name: 'headers', expected: header }]
  return [...flags, ...params, ...headers]
}

function missingHeader(needed: Context['headers'], told: Context['headers']): string | undefined {
  if (told === 'all') return undefined
  if (needed === 'all') return '"all"'
  const missing = needed.find((name) => !told.includes(name))
  return missing === undefined ? undefined : `with ${JSON.stringify(missing)}`
}
