import { AuthConfigError } from '../../../core/errors.ts'
import type { OptionPath } from '../../../core/config/problems.ts'

/** The key for each option of a verifier that has another name, both as paths such as `jwks.uri`. `''` is the provider. */
export type Names = Readonly<Record<string, string>>

/** Calls `make`, whose problems then name keys of the file in place of options. */
export function inKeysOf<Value>(names: Names, make: () => Value): Value {
  try {
    return make()
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    const problems = error.problems.map((problem) => ({
      ...problem,
      optionPath: keyPath(problem.optionPath, names),
      expected: inText(problem.expected, names),
      ...(problem.hint === undefined ? {} : { hint: inText(problem.hint, names) }),
    }))
    throw new AuthConfigError(error.option, error.message, problems)
  }
}

function keyPath(path: OptionPath, names: Names): OptionPath {
  for (let length = path.length; length > 0; length -= 1) {
    const key = names[path.slice(0, length).join('.')]
    if (key !== undefined) return [...key.split('.').filter(Boolean), ...path.slice(length)]
  }
  return path
}

// Names of options stand in backticks.
function inText(text: string, names: Names): string {
  return text.replace(/`([^`]+)`/g, (whole, name: string) => {
    const key = Object.hasOwn(names, name) ? names[name] : undefined
    return key === undefined ? whole : `\`${key}\``
  })
}
