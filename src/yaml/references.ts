/** Returns the value of an environment variable, or `undefined` if it is not set. */
export type Environment = (name: string) => string | undefined

/** A value with its references replaced, and the problems of the references. */
export interface Expansion {
  readonly text: string
  /** Whether the value had references. */
  readonly changed: boolean
  readonly problems: readonly string[]
}

const START = '${'
// A valid reference, or else everything from `${` to the next `}` or the end of the text.
const REFERENCE = /\$\{(?:env\.([A-Z0-9_]+)(?::([=+])([^}]*))?\}|[^}]*\}?)/g
const MALFORMED =
  'A reference to the environment must be ${env.NAME}, ${env.NAME:=default} or ${env.NAME:+value}, with a name of A-Z, 0-9 ' +
  'and _. If the value itself holds "${", set a variable to it'
const NESTED =
  'A default, or the value after ":+", cannot hold "${". Set a variable to the whole value'

/**
 * Replaces `${env.NAME}`, `${env.NAME:=default}` and `${env.NAME:+value}`. An empty variable counts as not set. References in
 * the value of a variable stay as they are. Any other `${` is a problem: as literal text it would become part of an endpoint or a
 * secret.
 */
export function expandReferences(source: string, environment: Environment): Expansion {
  const problems: string[] = []
  const replace = (_: string, name?: string, operator?: string, operand = ''): string => {
    const result =
      name === undefined ? { problem: MALFORMED } : resolve(name, operator, operand, environment)
    if (typeof result === 'string') return result
    problems.push(result.problem)
    return ''
  }
  return { text: source.replace(REFERENCE, replace), changed: hasReference(source), problems }
}

/** Whether a text has a reference, valid or not. */
export function hasReference(source: string): boolean {
  return source.includes(START)
}

interface Refusal {
  readonly problem: string
}

function resolve(
  name: string,
  operator: string | undefined,
  operand: string,
  environment: Environment,
): string | Refusal {
  if (operand.includes(START)) return { problem: NESTED }
  const value = readVariable(name, environment)
  if (typeof value !== 'string') return value
  if (operator === '+') return value === '' ? '' : operand
  if (value !== '' || operator === '=') return value || operand
  return {
    problem:
      `Environment variable "${name}" is not set, or empty: set it, write \${env.${name}:=default}, or ` +
      `\${env.${name}:+value} to leave the key out when it is not set`,
  }
}

function readVariable(name: string, environment: Environment): string | Refusal {
  try {
    return environment(name) ?? ''
  } catch {
    return {
      problem: `Environment variable "${name}" cannot be read: permit that (on Deno, --allow-env=${name})`,
    }
  }
}
