/** Servers call these beside `fetch`, without a request. Bun and srvx call `error`, Deno `onListen` and `onError`. */
const WORKERS = ['scheduled', 'queue', 'email', 'tail', 'tailStream', 'trace'] as const
const SERVERS = ['error', 'onListen', 'onError'] as const

export type AppCallback = (typeof WORKERS | typeof SERVERS)[number]

const CALLBACK_KEYS: ReadonlySet<PropertyKey> = new Set([...WORKERS, ...SERVERS])

/**
 * Makes a new object with the members of another, inherited ones included, without `fetch`. It reads a value from the original
 * at each access. Callbacks of servers keep the original as `this`. Every other function throws, since it may serve the
 * original, which is not guarded.
 */
export function boundMembers(original: object): object {
  const copy = {}
  for (const [key, owner] of membersOf(original)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(owner, key)
    const read = (): unknown => Reflect.get(original, key)
    const callback = CALLBACK_KEYS.has(key) ? read() : undefined
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

/** Replaces a function by one that throws, or by nothing for a symbol: runtimes call such functions themselves. */
function withoutFunctions(key: PropertyKey, read: () => unknown): () => unknown {
  const throwing = (): never => {
    throw new TypeError(
      `"${String(key)}" could serve the app without the guard: serve, test and call the guarded "fetch", as in "await app.fetch(new Request('http://localhost/'))", and do all else on the app before it is guarded`,
    )
  }
  const replacement = typeof key === 'symbol' ? undefined : throwing
  return () => {
    const value = read()
    return typeof value === 'function' ? replacement : value
  }
}

/** Each key with the nearest object of the prototype chain that has it. */
function membersOf(original: object): Map<PropertyKey, object> {
  const chain: object[] = []
  let owner: unknown = original
  while (typeof owner === 'object' && owner !== null && owner !== Object.prototype) {
    chain.unshift(owner)
    owner = Object.getPrototypeOf(owner)
  }
  const members = new Map(
    chain.flatMap((one) => Reflect.ownKeys(one).map((key) => [key, one] as const)),
  )
  members.delete('fetch')
  members.delete('constructor')
  return members
}
