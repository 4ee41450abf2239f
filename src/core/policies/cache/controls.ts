import { ignore } from '../../async.ts'
import type { Revocation, VerdictControls } from '../../decision-store.ts'

/**
 * Makes the functions that drop decisions.
 *
 * @param forget Drops what this instance has.
 * @param announce Tells the store. Returns `undefined` if there is none.
 */
export function createControls(
  forget: (token?: string) => void,
  announce: (revocation: Revocation) => Promise<void> | undefined,
): VerdictControls {
  const revoke = (revocation: Revocation): Promise<void> | undefined => {
    const announced = announce(revocation)
    // A caller may ignore the promise, and its rejection must not end the process.
    ignore(announced)
    return announced
  }
  return {
    invalidate: (token) => {
      if (typeof token !== 'string') {
        throw new TypeError('Cannot invalidate the token: it is not a string')
      }
      forget(token)
      return revoke({ token }) ?? Promise.resolve()
    },
    invalidateBy: (by) => {
      const sha256: unknown = by.sha256
      if (typeof sha256 !== 'string' || !/^[\da-f]{64}$/i.test(sha256)) {
        throw new TypeError('Cannot invalidate by "sha256": it is not 64 hexadecimal digits')
      }
      const announced = revoke({ sha256: sha256.toLowerCase() })
      if (announced === undefined) forget()
      return announced ?? Promise.resolve()
    },
    clear: () => {
      forget()
      return revoke('all') ?? Promise.resolve()
    },
  }
}
