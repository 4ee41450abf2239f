import { AuthConfigError, AuthUnavailableError } from '../../../core/errors.ts'
import { askBy } from '../../../verifiers/adapt.ts'
import { redefine } from '../../../verifiers/define-verifier.ts'
import { keyOf } from '../../values.ts'
import type { OptionPath } from '../../../core/config/problems.ts'
import type { CheckedVerifier, Verify } from '../../../core/endpoint/checked-verifier.ts'

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

/**
 * Makes a verifier whose warnings and explanations name keys of the file in place of options.
 *
 * @param quote Quotes a key with its whole path.
 */
export function speakingOfKeys(
  verifier: CheckedVerifier,
  names: Names,
  quote: (key: string) => string,
): CheckedVerifier {
  const reword = (text: string): string =>
    text.replace(/"(\w+)"/g, (whole, option: string) => {
      const key = Object.hasOwn(names, option) ? names[option] : undefined
      return key === undefined ? whole : quote(keyOf(key))
    })
  const verify: Verify = async (question, signal, { warn, ...run }) => {
    const named = warn && { warn: (text: string) => warn(reword(text)) }
    try {
      return await verifier.verify(question, signal, { ...run, ...named })
    } catch (error) {
      throw rewordExplanation(error, reword)
    }
  }
  return redefine(verifier, { verify, ask: askBy(verify) })
}

function rewordExplanation(error: unknown, reword: (text: string) => string): unknown {
  if (!(error instanceof AuthUnavailableError) || error.explanation === undefined) return error
  const { reason, cause, ...facts } = error
  const explanation = reword(error.explanation)
  if (explanation === error.explanation) return error
  return new AuthUnavailableError(reason, { ...facts, cause, explanation })
}
