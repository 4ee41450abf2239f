import { AuthConfigError } from '../core/errors.ts'

const ADVICE =
  '"store" must be left out on Workers, where no instance hears of the others: set the "allowTtlMs" of the cache to 1000, and reach the endpoint by a service binding'

/** Takes the place of `redisStore` on Workers. Throws AuthConfigError with what to do instead. */
export function redisStore(): never {
  throw new AuthConfigError('store', ADVICE)
}
