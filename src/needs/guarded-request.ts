import { Existing } from '../core/runtime.ts'

/** Keeps the Request in a private field of the framework's own object, which no other code can read or forge. */
class Guarded extends Existing {
  #request: Request

  constructor(holder: object, request: Request) {
    super(holder)
    this.#request = request
  }

  static read(holder: object): Request | undefined {
    return #request in holder ? holder.#request : undefined
  }

  static write(holder: object, request: Request): object {
    if (!(#request in holder)) return new Guarded(holder, request)
    holder.#request = request
    return holder
  }
}

/**
 * Remembers the Request that a guard has admitted, on the context of Hono or the request of Node: middleware such as `bodyLimit` of
 * Hono puts a copy into `c.req.raw`, and a request of Node is none of Fetch.
 */
export function rememberGuarded(holder: object, request: Request): void {
  Guarded.write(holder, request)
}

/** The Request that the last guard has admitted. */
export function guardedRequest(holder: object): Request | undefined {
  return Guarded.read(holder)
}
