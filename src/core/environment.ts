/** `AUTH_ENDPOINT` of the Workers `env` argument, else of `process.env`. Throws what the runtime throws. */
export function endpointFromEnvironment(args: readonly unknown[]): unknown {
  const [env] = args
  const bound = property(env, 'AUTH_ENDPOINT')
  if (bound !== undefined) return bound
  return property(property(property(globalThis, 'process'), 'env'), 'AUTH_ENDPOINT')
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}
