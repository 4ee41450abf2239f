import { KeyFileError } from '../keys.ts'
import type { KeyFileErrorCode } from '../keys.ts'

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
