import { Existing } from '../core/runtime.ts'
import type { Context } from 'hono'

/** Keeps the Request in a private field of the context, which no other code can read or forge. */
class Guarded extends Existing {
  #request: Request

  constructor(c: Context) {
    super(c)
    this.#request = c.req.raw
  }

  static read(c: Context): Request | undefined {
    return #request in c ? c.#request : undefined
  }

  static write(c: Context): object {
    if (!(#request in c)) return new Guarded(c)
    c.#request = c.req.raw
    return c
  }
}

/** Remembers the Request that a guard has admitted: middleware such as `bodyLimit` puts a copy into `c.req.raw`. */
export function rememberGuarded(c: Context): void {
  Guarded.write(c)
}

/** The Request that the last guard of this context has admitted, or else the one that came. */
export function guardedRequest(c: Context): Request {
  return Guarded.read(c) ?? c.req.raw
}
