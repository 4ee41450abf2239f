import { ConfigFileError, parseConfig } from '../../src/yaml.ts'
import type { ConfigProblem } from '../../src/yaml.ts'

type Environment = Readonly<Record<string, string>>

/** What is wrong with a text; nothing for one that can be used. */
export function problemsOf(text: string, env: Environment = {}): readonly ConfigProblem[] {
  try {
    parseConfig(text, { env })
    return []
  } catch (error) {
    if (error instanceof ConfigFileError) return error.problems
    throw error
  }
}

/** Everything that an error shows of a text: for each problem its place and message, then the masked line of the file. */
export function linesOf(text: string, env: Environment = {}): string[] {
  return problemsOf(text, env).map(({ line, column, message, excerpt }) => {
    const [shown = ''] = excerpt.split('\n')
    return `${line}:${column} ${message}${shown === '' ? '' : ` | ${shown.trim()}`}`
  })
}

/** A file whose `server.auth` has these lines below its endpoint. */
export function inAuth(lines: string): string {
  const start = 'server:\n  auth:\n    endpoint: https://auth.example.com/\n'
  return `${start}${lines.replace(/^(?=.)/gm, '    ')}\n`
}
