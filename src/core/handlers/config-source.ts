import { ignore, isPromise } from '../async.ts'
import { AuthConfigError } from '../errors.ts'
import type { AuthConfig } from '../auth-config.ts'

/** A config, or a synchronous function that makes one of the extra arguments of the first request. */
export type AuthConfigSource<
  Args extends readonly unknown[],
  Made extends AuthConfig = AuthConfig,
> = AuthConfig | AuthConfigFunction<Args, Made>

/** The constraint on what a config function returns: TypeScript itself accepts unknown properties there. */
export type KnownOptions<Made> = AuthConfig & {
  readonly [Unknown in Exclude<keyof Made, keyof AuthConfig>]: never
}

// A function has no options. This lets TypeScript suggest the option nearest to a misspelt one.
type NoOptions = { readonly [Option in keyof AuthConfig]?: never }

interface AuthConfigFunction<Args extends readonly unknown[], Made> extends NoOptions {
  (...args: Args): Made
}

/** Returns what a config function has made. Throws `AuthConfigError` for a promise. */
export function requireSynchronous(made: unknown): unknown {
  if (!isPromise(made)) return made
  ignore(made)
  throw new AuthConfigError('config', 'The config function must be synchronous, received a promise')
}
