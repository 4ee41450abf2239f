import { jwt } from '../../src/jwt.ts'
import { ConfigFileError, parseConfig } from '../../src/yaml.ts'
import type { ConfigProblem } from '../../src/yaml.ts'

type Environment = Readonly<Record<string, string>>

/** The error about a file. Throws if there is none, or another one. */
export function errorOf(parse: () => unknown): ConfigFileError {
  try {
    parse()
  } catch (error) {
    if (error instanceof ConfigFileError) return error
    throw error
  }
  throw new Error('The file was accepted')
}

/** The problems of a text, empty for a valid one. */
export function problemsOf(text: string, env: Environment = {}): readonly ConfigProblem[] {
  try {
    parseConfig(text, { env, jwt })
    return []
  } catch (error) {
    if (error instanceof ConfigFileError) return error.problems
    throw error
  }
}

/** The shown part of an error: for each problem its place, its message and the masked line. */
export function linesOf(text: string, env: Environment = {}): string[] {
  return problemsOf(text, env).map(({ line, column, message, excerpt }) => {
    const [shown = ''] = excerpt.split('\n')
    return `${line}:${column} ${message}${shown === '' ? '' : ` | ${shown.trim()}`}`
  })
}

/** A file with these lines below the endpoint of `server.auth`. */
export function inAuth(lines: string): string {
  const start = 'server:\n  auth:\n    endpoint: https://auth.example.com/\n'
  return `${start}${lines.replace(/^(?=.)/gm, '    ')}\n`
}
