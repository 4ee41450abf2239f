import { parseList, valueThat } from './kinds.ts'
import { invalidOption, isOptionsObject, misusedOption, parseHeaderName } from './option-checks.ts'
import { OPTIONS, READS } from './options.ts'
import { WITHHELD } from '../request/question.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { Context } from '../request/question.ts'
import type { ReadsConfig, ContextConfig, Verifier, VerifierTraits } from '../verifier.ts'
import type { Kind } from './kinds.ts'
import type { OptionPath, Problems } from './problems.ts'

const TRUE = valueThat((value): value is true => value === true, 'true, or left out', {
  kind: 'true',
  default: true,
})
const LABEL = valueThat(
  (value): value is string => typeof value === 'string' && /^[a-z][a-z\d_]{0,31}$/.test(value),
  'a lower-case letter, then at most 31 of a-z, 0-9 and "_"',
  { kind: 'label', default: '' },
)
const TEXT = valueThat((value): value is string => typeof value === 'string', 'a string', {
  kind: 'text',
  default: '',
})
// Two verifiers with an empty one would share decisions.
const ID = valueThat(
  (value): value is string => typeof value === 'string' && value !== '',
  'a string that is not empty',
  { kind: 'text', default: 'none' },
)
const WARNINGS: Kind<readonly string[]> = {
  form: { kind: 'warnings' },
  parse: (value, path) => {
    if (!Array.isArray(value)) throw invalidOption(path, value, 'a list of strings')
    return parseList(value, path, TEXT.parse)
  },
}
const HEADERS: Kind<readonly string[]> = {
  form: { kind: 'headers' },
  parse: (value, path) => {
    if (!Array.isArray(value)) throw invalidOption(path, value, 'a list of header names')
    return parseList(value, path, parseHeaderName)
  },
}
type Needed = Omit<Context, 'clientAddress'>

const NOTHING: Context = {
  headers: [],
  params: 'none',
  path: false,
  method: false,
  clientAddress: false,
}

/** The properties of a verifier. Each that is there must have its type, since a misspelt value could change a decision. */
export function readTraits(
  verifier: Verifier,
  problems: Problems,
  path: OptionPath = ['verifier'],
): VerifierTraits {
  const read = <Value>(name: keyof Verifier, kind: Kind<Value>): Value | undefined => {
    const value: unknown = Reflect.get(verifier, name)
    return value === undefined
      ? undefined
      : problems.attempt(() => kind.parse(value, [...path, name]))
  }
  const reads: unknown = verifier.reads
  if (reads !== undefined && !isOptionsObject(reads)) {
    problems.add(invalidOption([...path, 'reads'], reads, 'an object such as { headers: [] }'))
  }
  return {
    reads: isOptionsObject(reads) ? reads : undefined,
    local: read('local', TRUE) === true,
    consumes: read('consumes', HEADERS) ?? [],
    namesCaller: read('namesCaller', TRUE) === true,
    label: read('label', LABEL),
    warnings: read('warnings', WARNINGS) ?? [],
    id: read('id', ID),
  }
}

/** The context that a verifier reads: without the parts that `reads` leaves out, and the usual context without `reads`. */
export function contextOf(reads: ReadsConfig | undefined, path: OptionPath): Context {
  return READS.parse(reads === undefined ? {} : { ...NOTHING, ...reads }, path)
}

/** A token from elsewhere may be a secret, even if the verifier denies it: then events do not show it. */
export function withSources(
  traits: VerifierTraits,
  sources: readonly CredentialsSource[],
): VerifierTraits {
  const isOwn = (source: CredentialsSource): boolean =>
    typeof source === 'object' && 'header' in source && traits.consumes.includes(source.header)
  return { ...traits, namesCaller: traits.namesCaller && sources.every(isOwn) }
}

/**
 * The context of a verifier that says what it reads: that, and what the config adds. A config that leaves out a part that the
 * verifier reads would give one decision to requests that differ in it.
 */
export function contextFor(
  reads: Context,
  given: object,
  problems: Problems,
): Required<ContextConfig> {
  const path: OptionPath = ['context']
  const { clientAddress: _, ...needed } = reads
  const context = OPTIONS.context.parse({ ...needed, ...given }, path)
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
