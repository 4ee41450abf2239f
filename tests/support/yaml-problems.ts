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
