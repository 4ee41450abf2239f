/** What can stand at a place of the file: a scalar of some type, a mapping, a list, or several of these. */
export interface Shape {
  /** What text that came from the environment is turned into. */
  readonly scalar?: 'string' | 'number' | 'boolean'
  /** A mapping with these keys. */
  readonly fields?: Fields
  /** A mapping from names that are free to what each has. */
  readonly entries?: Shape
  /** A list of these. */
  readonly items?: Shape
  /** What stands there is never shown. */
  readonly secret?: true
  /** Its check shows neither password nor query. */
  readonly url?: true
}

export type Fields = Readonly<Record<string, Field>>

export interface Field {
  /** The name of the option in `AuthConfig`. */
  readonly option: string
  readonly shape: Shape
}

const TEXT: Shape = { scalar: 'string' }
const URL_TEXT: Shape = { ...TEXT, url: true }
const NUMBER: Shape = { scalar: 'number' }
const FLAG: Shape = { scalar: 'boolean' }
const NAMES: Shape = { items: TEXT }

const SOURCE: Shape = {
  scalar: 'string',
  fields: fieldsOf({ header: TEXT, cookie: TEXT, webSocketProtocol: TEXT }),
}

/** The keys below `server.auth`, but for `provider_config`. */
export const AUTH: Fields = fieldsOf({
  endpoint: URL_TEXT,
  allowInsecureHttp: FLAG,
  endpointHeaders: { secret: true, entries: { scalar: 'string', secret: true } },
  context: {
    fields: fieldsOf({
      headers: { scalar: 'string', items: TEXT },
      params: TEXT,
      path: FLAG,
      method: FLAG,
    }),
  },
  credentials: { ...SOURCE, items: SOURCE },
  tokenFormat: TEXT,
  identity: TEXT,
  timeoutMs: NUMBER,
  retry: {
    scalar: 'boolean',
    fields: fieldsOf({ attempts: NUMBER, minDelayMs: NUMBER, maxDelayMs: NUMBER }),
  },
  circuitBreaker: {
    scalar: 'boolean',
    fields: fieldsOf({ minChecks: NUMBER, failureRatio: NUMBER, windowMs: NUMBER, openMs: NUMBER }),
  },
  concurrency: { fields: fieldsOf({ maxInFlight: NUMBER, maxWaiting: NUMBER }) },
  cache: {
    scalar: 'boolean',
    fields: fieldsOf({
      allowTtlMs: NUMBER,
      denyTtlMs: NUMBER,
      staleIfErrorMs: NUMBER,
      maxEntries: NUMBER,
      maxBytes: NUMBER,
    }),
  },
  unavailableStatus: NUMBER,
  public: { items: { scalar: 'string', fields: fieldsOf({ path: TEXT, methods: NAMES }) } },
  preflight: TEXT,
  mode: TEXT,
  realm: TEXT,
  // A name, or false: text of the environment that says neither true nor false stays text.
  requestIdHeader: FLAG,
})

/** The keys of `server.auth.provider_config`. */
export const PROVIDER: Fields = fieldsOf({ type: TEXT, endpoint: URL_TEXT })

/** What an `AuthConfig` has beside them, by its key: functions, which no file can hold. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  verifier: 'verifier',
  on_event: 'onEvent',
  respond: 'respond',
  fetch: 'fetch',
}

/** The key of an option: `timeout_ms` for `timeoutMs`. */
export function keyOf(option: string): string {
  return option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}

function fieldsOf(shapes: Readonly<Record<string, Shape>>): Fields {
  const fields = Object.entries(shapes).map(([option, shape]) => [keyOf(option), { option, shape }])
  return Object.freeze(Object.fromEntries(fields) as Fields)
}
