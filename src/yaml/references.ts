import type { Form } from '../core/config/form.ts'

/** Returns the value of an environment variable, or `undefined` if it is not set. */
export type Environment = (name: string) => string | undefined

const START = '${'
// A valid reference, or else everything from `${` to the next `}` or the end of the text.
const REFERENCE = /\$\{(?:env\.([A-Z0-9_]+)(?::([=+])([^}]*))?\}|[^}]*\}?)/g
// A reference as a shell or an older server has it: without `env.`, or with another operator.
const OTHER_FORM = /^\$\{(?:env\.)?([A-Z_][A-Z0-9_]*)(?:(:?[-=+?]|:)[^{}]*)?\}$/
const FORMS =
  '${env.NAME}, ${env.NAME:=default} or ${env.NAME:+value}, with a name of A-Z, 0-9 and _'
const NESTED =
  'A default, or the value after ":+", cannot hold "${". Set a variable to the whole value'

/**
 * Replaces `${env.NAME}`, `${env.NAME:=default}` and `${env.NAME:+value}`. An empty variable counts as not set. References in
 * the value of a variable stay as they are. Any other `${` is a problem: as literal text it would become part of an endpoint or a
 * secret.
 *
 * @param mayHoldSecret A malformed reference beside other text may be a part of a secret, and no problem shows it.
 */
export function expandReferences(
  source: string,
  environment: Environment,
  mayHoldSecret = false,
): { readonly text: string; readonly problems: readonly string[] } {
  const problems: string[] = []
  const fail = (problem: string): string => {
    problems.push(problem)
    return ''
  }
  const replace = (reference: string, name?: string, operator?: string, operand = ''): string => {
    if (name === undefined)
      return fail(explain(mayHoldSecret && !isApart(reference, source) ? '' : reference))
    if (operand.includes(START)) return fail(NESTED)
    const value = readVariable(name, environment)
    if (value === undefined) {
      const advice = `permit that (on Deno, --allow-env=${name})`
      return fail(`Environment variable "${name}" cannot be read: ${advice}`)
    }
    if (operator === '+') return value === '' ? '' : operand
    if (value !== '' || operator === '=') return value || operand
    const advice = `set it, write \${env.${name}:=default}, or \${env.${name}:+value} to leave the key out when it is not set`
    return fail(`Environment variable "${name}" is not set, or empty: ${advice}`)
  }
  return { text: source.replace(REFERENCE, replace), problems }
}

/** Says why a text with references is empty although each reference is valid. */
export function whyEmpty(source: string, environment: Environment): string {
  for (const [, name] of source.matchAll(REFERENCE)) {
    if (name === undefined || readVariable(name, environment) !== '') continue
    return `the environment variable "${name}" is not set, or empty`
  }
  return 'nothing follows ":+" in it'
}

function isApart(reference: string, source: string): boolean {
  return source.split(/\s/).includes(reference)
}

/** Says what to write, with the user's own name. It does not show the default, which may be a secret. */
function explain(reference: string): string {
  const [, name, operator] = OTHER_FORM.exec(reference) ?? []
  const form = name === undefined ? FORMS : `written \${env.${name}${operandOf(operator)}}`
  return `A reference to the environment must be ${form}. If the value itself holds "\${", set a variable to it`
}

// Of the operators of a shell, `?` has the text of an error, and there is one anyway.
function operandOf(operator = '?'): string {
  if (operator.endsWith('?')) return ''
  return operator.endsWith('+') ? ':+value' : ':=default'
}

function readVariable(name: string, environment: Environment): string | undefined {
  try {
    return environment(name) ?? ''
  } catch {
    return undefined
  }
}

export function hasReference(source: string): boolean {
  return source.includes(START)
}

/** The type of a value that is one scalar. A text from the environment becomes that. */
export function scalarOf(form: Form): string | undefined {
  if (form.also?.includes(false) === true) return 'boolean'
  switch (form.kind) {
    case 'boolean':
      return 'boolean'
    case 'integer':
    case 'seconds':
    case 'milliseconds':
      return 'number'
    case 'choice':
      return typeof form.choices[0]
    case 'text':
    case 'url':
      return 'string'
    case 'list':
      return form.canBeOne === true || form.also !== undefined ? 'string' : undefined
    case 'group':
      return form.short === undefined ? undefined : 'string'
    case 'code':
      return form.isText === true ? 'string' : undefined
    default:
      return undefined
  }
}

// Llama Stack converts texts from the environment in the same way, for options of that type only.
export function coerce(text: string, form: Form): unknown {
  const type = scalarOf(form)
  const word = text.trim().toLowerCase()
  if (type === 'boolean' && (word === 'true' || word === 'false')) return word === 'true'
  if (type !== 'number') return text
  const digits = word.replace(/(?<=\d)_(?=\d)/g, '')
  return /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/.test(digits) ? Number(digits) : text
}
