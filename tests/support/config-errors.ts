import { AuthConfigError } from '../../src/index.ts'

/** The error about the options of a call. Throws if there is none, or another one. */
export function configErrorOf(make: () => unknown): AuthConfigError {
  try {
    make()
  } catch (error) {
    if (error instanceof AuthConfigError) return error
    throw error
  }
  throw new Error('The options were accepted')
}
