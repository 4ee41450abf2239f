/** The variables that a file may refer to. Gives `undefined` for one that is not set. */
export type Environment = (name: string) => string | undefined

/** A value with its references replaced, and what is wrong with them. */
export interface Expansion {
  readonly text: string
  /** Whether there were any. */
  readonly changed: boolean
  readonly problems: readonly string[]
}

const START = '${'
// Right, or else whatever it is up to its end, or to that of the text.
const REFERENCE = /\$\{(?:env\.([A-Z0-9_]+)(?::([=+])([^}]*))?\}|[^}]*\}?)/g
const OLDER = /^\$\{env\.([A-Z0-9_]{1,80})[:+=?-][^}]*\}$/
// A shell's, or that of another tool.
const WITHOUT_ENV = /^\$\{([A-Z][A-Z0-9_]{0,79})(?:(:?[+=?-]|:)[^}]*)?\}$/

/**
 * Replaces `${env.NAME}`, `${env.NAME:=default}` and `${env.NAME:+value}`, once: what a variable holds is not looked at
 * again. A variable that is empty is taken as not set. Any other `${` is refused: as literal text it would become part of
 * an endpoint or a secret.
 *
 * @param isMasked Whether the text must not be shown. Then what has no `env.` is not taken for the name of a variable.
 */
export function expandReferences(
  source: string,
  environment: Environment,
  isMasked = false,
): Expansion {
  const problems: string[] = []
  const replace = (reference: string, name?: string, operator?: string, operand = ''): string => {
    const result =
      name === undefined
        ? refuse(reference, isMasked)
        : resolve(name, operator, operand, environment)
    if (typeof result === 'string') return result
    problems.push(result.problem)
    return ''
  }
  const text = source.replace(REFERENCE, replace)
  return { text, changed: hasReference(source), problems }
}

/** Whether a text has a reference, right or wrong. */
export function hasReference(source: string): boolean {
  return source.includes(START)
}

interface Refusal {
  readonly problem: string
}

const MALFORMED: Refusal = {
  problem:
    'A reference to the environment is written ${env.NAME}, ${env.NAME:=default} or ${env.NAME:+value}, with a ' +
    'name of A-Z, 0-9 and _. Set a variable to text that holds "${" itself',
}

const NESTED: Refusal = {
  problem:
    'A default, or the value behind ":+", cannot hold "${". Set a variable to the whole text',
}

function resolve(
  name: string,
  operator: string | undefined,
  operand: string,
  environment: Environment,
): string | Refusal {
  if (operand.includes(START)) return NESTED
  const read = readVariable(name, environment)
  if (typeof read !== 'string') return read
  if (operator === '+') return read === '' ? '' : operand
  if (read !== '') return read
  if (operator === '=') return operand
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

function refuse(reference: string, isMasked: boolean): Refusal {
  const name = OLDER.exec(reference)?.[1]
  if (name !== undefined) {
    return {
      problem: `A default is written \${env.${name}:=default}, with ":=" and in no older form`,
    }
  }
  const [whole, bare, operator = ''] = WITHOUT_ENV.exec(reference) ?? []
  if (whole === undefined) return MALFORMED
  const written = `${isMasked ? 'NAME' : bare}${operandOf(operator)}`
  return { problem: `A reference to the environment begins with "env.": write \${env.${written}}` }
}

// Of a shell's operators, `?` says what an error is, and there is one anyway.
function operandOf(operator: string): string {
  if (operator === '' || operator.endsWith('?')) return ''
  return operator.endsWith('+') ? ':+value' : ':=default'
}
