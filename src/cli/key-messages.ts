import { AuthConfigError } from '../core/errors.ts'
import { KeyFileError } from '../keys.ts'
import { UsageError } from './usage-error.ts'
import type { KeyFileErrorCode } from '../keys.ts'

/** The options of `with-auth/keys` that are flags of the commands. */
const FLAGS: Readonly<Record<string, string>> = {
  attributes: '--attribute',
  expiresAt: '--expires-at',
  expiresIn: '--expires-in',
  older: '--older',
  overlap: '--overlap',
  paths: '--path',
  principal: '--principal',
}

/** Rejects with a `UsageError` that names the flag where an option is wrong. */
export function nameFlags(error: unknown): never {
  if (!(error instanceof AuthConfigError)) throw error
  const message = error.message.replace(
    /"(?:key|options)\.(\w+)(?:\[\d+\])?"/g,
    (option, name: string) => FLAGS[name] ?? option,
  )
  throw new UsageError(message)
}

/** Rejects with what to do behind the message, for the codes that have advice. */
export function addAdvice(
  advices: Partial<Record<KeyFileErrorCode, string>>,
): (error: unknown) => never {
  return (error) => {
    const advice = error instanceof KeyFileError ? advices[error.code] : undefined
    if (!(error instanceof KeyFileError) || advice === undefined) throw error
    throw new Error(`${error.message}: ${advice}`, { cause: error })
  }
}

/** A name as a terminal may show it: it may have characters that a terminal obeys. */
export function shown(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : JSON.stringify(text).replace(/[^\x20-\x7e]/g, '?')
}
