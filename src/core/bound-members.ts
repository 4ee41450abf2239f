/**
 * A new object with the members of another, inherited ones included, less `fetch`. Methods keep the original as `this`,
 * so that private fields and state are shared with it; other members are read from it when they are asked for.
 */
export function boundMembers(original: object): object {
  const copy = {}
  for (const [key, owner] of membersOf(original)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(owner, key)
    Object.defineProperty(copy, key, delegate(original, key, enumerable))
  }
  return copy
}

// They serve the original, whose `fetch` asks nobody.
const SERVING: ReadonlySet<PropertyKey> = new Set(['listen', 'fire'])

function refuseToServe(key: PropertyKey): () => never {
  return () => {
    throw new TypeError(
      `"${String(key)}" would serve the app without the guard: serve the guarded "fetch"`,
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

function delegate(original: object, key: PropertyKey, enumerable: boolean): PropertyDescriptor {
  if (SERVING.has(key)) return { value: refuseToServe(key), enumerable }
  const value: unknown = Reflect.get(original, key)
  if (typeof value === 'function') {
    return {
      value: value.bind(original) as unknown,
      enumerable,
      configurable: true,
      writable: true,
    }
  }
  return { get: () => Reflect.get(original, key) as unknown, enumerable, configurable: true }
}
