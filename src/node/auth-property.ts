import type { Auth } from '../core/types.ts'

/**
 * Sets `auth` on a request of a framework, also over an earlier value: a value that came from elsewhere must not stay, and
 * a property without a setter would throw.
 */
export function setAuth(request: object, auth: Auth | undefined): void {
  Object.defineProperty(request, 'auth', {
    value: auth,
    writable: true,
    enumerable: true,
    configurable: true,
  })
}
