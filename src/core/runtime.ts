export interface Clock {
  /** Milliseconds of a clock that never jumps. It may stop while a machine is frozen. */
  readonly now: () => number
  /** The time of day: it goes on while a machine is frozen, and can be set back and forth. */
  readonly wallNow: () => number
  /** From 0 to below 1, for jitter. */
  readonly random: () => number
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  random: () => Math.random(),
}

/** The `User-Agent` of calls of this package. A bundle cannot read the version in package.json, so it is repeated here. */
export const USER_AGENT = 'with-auth/0.1.0'

/** The `id` of transports that ask what the runtime's `fetch` asks, and give the same answer. */
export const RUNTIME_FETCH_ID = 'fetch'

/** A record without a prototype, in which `__proto__` and `constructor` are names like any other. */
export function emptyRecord<Value>(): Record<string, Value> {
  return Object.create(null) as Record<string, Value>
}

/**
 * A string of its own. One that was cut out of another one keeps the whole of it in memory: a token of 20 characters the header
 * that it came in.
 */
export function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}

/** `AUTH_ENDPOINT` of the Workers `env` argument, else of `process.env`. Throws what the runtime throws. */
export function endpointFromEnvironment(args: readonly unknown[]): unknown {
  const bound = ownProperty(args[0], 'AUTH_ENDPOINT')
  return bound === undefined ? processVariable('AUTH_ENDPOINT') : bound
}

/** A variable of `process.env`, if there is one. Throws what the runtime throws. */
export function processVariable(name: string): unknown {
  return ownProperty(property(property(globalThis, 'process'), 'env'), name)
}

// All copies of `@opentelemetry/api` 1.x share what is registered here.
const OPENTELEMETRY = Symbol.for('opentelemetry.js.api.1')

// The `fetch` of Node, of Bun and workerd, and of Deno, as they print it.
const OWN_FETCH =
  /'internal\/deps\/undici\/undici'|^function fetch\(\) \{\s*\[native code\]\s*\}$|lazyFetch\(\)/

/**
 * Whether other code adds the trace context to the calls of this process: OpenTelemetry by its instrumentation of undici, by that
 * of `fetch`, or Deno itself. A `fetch` that is not known counts as instrumented.
 */
export function addsTraceContext(): boolean {
  const api: unknown = Reflect.get(globalThis, OPENTELEMETRY)
  if (property(api, 'propagation') === undefined) return false
  const channels = nodeModule('node:diagnostics_channel')
  const hasSubscribers = property(channels, 'hasSubscribers')
  if (typeof hasSubscribers === 'function' && hasSubscribers('undici:request:create')) return true
  if (!isOwnFetch(globalThis.fetch)) return true
  const deno = property(property(globalThis, 'Deno'), 'telemetry')
  return deno !== undefined && property(api, 'trace') === property(deno, 'tracerProvider')
}

let lastFetch: unknown
let isLastOwn = false

/** Tested again only for another function. */
function isOwnFetch(fetch: typeof globalThis.fetch): boolean {
  if (fetch === lastFetch) return isLastOwn
  isLastOwn = fetch.name === 'fetch' && OWN_FETCH.test(Function.prototype.toString.call(fetch))
  lastFetch = fetch
  return isLastOwn
}

/**
 * A built-in module of Node, such as `node:http`. `undefined` on other runtimes, whose own `fetch` serves better. Not an
 * import, since bundlers for Workers and browsers would look for it.
 */
export function nodeModule(name: string): unknown {
  const process = property(globalThis, 'process')
  const versions = property(process, 'versions')
  const load = property(process, 'getBuiltinModule')
  const has = (part: string): boolean => property(versions, part) !== undefined
  const isNode = has('uv') && !has('bun') && !has('deno') && !isWorkers()
  return isNode && typeof load === 'function' ? load.call(process, name) : undefined
}

// RFC 9110 §15 and RFC 6585. Only Node has such a list.
const PHRASES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  429: 'Too Many Requests',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  508: 'Loop Detected',
}

/** The reason phrase of a rejection. Workers, and srvx on Node, send an empty one for a Response without. */
export function reasonPhrase(status: number): string {
  return PHRASES[status] ?? ''
}

/** The `process` of Workers claims to be that of Node. Cloudflare documents this test. */
export function isWorkers(): boolean {
  return property(property(globalThis, 'navigator'), 'userAgent') === 'Cloudflare-Workers'
}

function ownProperty(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined
}

/** A property of an object, or `undefined` of anything else. */
export function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined
}

/** Keeps a call going after its request has its response, by the argument with a `waitUntil`, such as the `ctx` of Workers. */
export function keepAlive(args: readonly unknown[], call: () => Promise<unknown>): void {
  try {
    const context = args.find((arg) => typeof property(arg, 'waitUntil') === 'function')
    const waitUntil = property(context, 'waitUntil')
    if (typeof waitUntil === 'function') waitUntil.call(context, call())
  } catch {
    // Without it the call may end with its request.
  }
}

/** Calls a function with these arguments. To spread none or one, as most servers give, costs a sixth of a hit on Bun. */
export function callWith<First>(
  call: (this: unknown, first: First, ...args: unknown[]) => unknown,
  self: unknown,
  first: First,
  args: readonly unknown[],
): unknown {
  if (args.length === 0) return call.call(self, first)
  if (args.length === 1) return call.call(self, first, args[0])
  return call.call(self, first, ...args)
}

/** Lets the constructor of a subclass add private fields to an object that exists already. */
// oxlint-disable-next-line no-extraneous-class
export class Existing {
  constructor(object: object) {
    return object
  }
}
