// Servers call these beside `fetch`, and never with a request: Workers the first six, Bun and srvx `error`, Deno the last two.
const CALLBACKS: ReadonlySet<PropertyKey> = new Set([
  'scheduled',
  'queue',
  'email',
  'tail',
  'tailStream',
  'trace',
  'error',
  'onListen',
  'onError',
])

/**
 * Makes a new object with the members of another, inherited ones included, without `fetch`. Values are read from the
 * original at each access. Of the functions only the callbacks of servers work, with the original as `this`. Every other
 * function throws: it may serve the original, which has no guard. An object in a value, such as a router, stays reachable,
 * and may serve too.
 */
export function boundMembers(original: object): object {
  const copy = {}
  for (const [key, owner] of membersOf(original)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(owner, key)
    const read = (): unknown => Reflect.get(original, key)
    const callback = CALLBACKS.has(key) ? read() : undefined
    const member =
      typeof callback === 'function'
        ? { value: bind(callback, original, copy), writable: true }
        : { get: withoutFunctions(key, read) }
    Object.defineProperty(copy, key, { ...member, enumerable, configurable: true })
  }
  return copy
}

// Frameworks have methods of the same names that return the app, such as `app.onError(handler)`. A chain stays guarded.
function bind(callback: Function, original: object, copy: object): () => unknown {
  return (...args: unknown[]) => {
    const result: unknown = Reflect.apply(callback, original, args)
    return result === original ? copy : result
  }
}

/** Gives a function that throws for each function. Gives none for a symbol: runtimes call such functions by themselves. */
function withoutFunctions(key: PropertyKey, read: () => unknown): () => unknown {
  const refuse = typeof key === 'symbol' ? undefined : refuseToServe(key)
  return () => {
    const value = read()
    return typeof value === 'function' ? refuse : value
  }
}

function refuseToServe(key: PropertyKey): () => never {
  return () => {
    throw new TypeError(
      `"${String(key)}" could serve the app without the guard: serve, test and call the guarded "fetch", and do all else on the app before it is guarded`,
    )
  }
}

/** Each key with the nearest object of the prototype chain that has it. */
function membersOf(original: object): Map<PropertyKey, object> {
  const members = new Map<PropertyKey, object>()
  for (const owner of prototypeChain(original)) {
    for (const key of Reflect.ownKeys(owner)) members.set(key, owner)
  }
  members.delete('fetch')
  members.delete('constructor')
  return members
}

/** The root first, so that what is nearer comes later and wins. */
function prototypeChain(original: object): object[] {
  const chain: object[] = []
  let owner: unknown = original
  while (typeof owner === 'object' && owner !== null && owner !== Object.prototype) {
    chain.unshift(owner)
    owner = Object.getPrototypeOf(owner)
  }
  return chain
}
