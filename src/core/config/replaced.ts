import { isOptionsObject, misusedOption } from './option-checks.ts'
import type { Problems } from './problems.ts'

/** The form of `context.clientAddress`. */
export const ADDRESS: string = 'context: { clientAddress: (request, ...args) => address }'

/** What `context.clientAddress` was a flag for. */
export const ADDRESS_FUNCTION: string = `a function that returns the address of the client: ${ADDRESS}`

/** The new form of each option that has become a value, by its old name. */
const REPLACED: Readonly<Record<string, (value: unknown, config: object) => string>> = {
  tenant: (value, config) =>
    `made by a function: verifier: tenancy(${innerOf(config)}, ${tenancyOptions(value)}) of with-auth/verifiers`,
  tenantField: (_, config) =>
    `an option of the verifier: verifier: ${endpointCall(config)} of with-auth/verifiers`,
  store: () => 'an option of the cache: cache: memoryCache({ store: redisStore({ url }) })',
  clientAddress: () => `a part of \`context\`: ${ADDRESS}`,
}

/** Adds a problem for each option that a function makes now. Returns the config without them. */
export function rejectReplaced(config: unknown, problems: Problems): unknown {
  if (!isOptionsObject(config)) return config
  const entries = Object.entries(config)
  const kept = entries.filter(([name, value]) => {
    const instead = Object.hasOwn(REPLACED, name) ? REPLACED[name]?.(value, config) : undefined
    if (instead === undefined || value === undefined) return true
    problems.add(misusedOption([name], instead))
    return false
  })
  return kept.length === entries.length ? config : Object.fromEntries(kept)
}

const OF_ENDPOINT: ReadonlySet<string> = new Set([
  'endpoint',
  'endpointHeaders',
  'allowInsecureHttp',
  'identity',
  'tenantField',
  'context',
  'fetch',
])

function innerOf(config: object): string {
  return 'verifier' in config ? 'verifier' : endpointCall(config)
}

/** The options of this config that move with `endpoint`, which the environment may name. */
function endpointCall(config: object): string {
  const moved = Object.entries({ endpoint: undefined, ...config }).filter(([name]) =>
    OF_ENDPOINT.has(name),
  )
  return callOf('endpointVerifier', Object.fromEntries(moved))
}

function tenancyOptions(value: unknown): string {
  const { mode = 'multi', default: byDefault } = Object(value) as Record<string, unknown>
  // Any other text may be anything.
  const shown = mode === 'multi' || mode === 'single' ? `'${mode}'` : '...'
  return `{ mode: ${shown}${byDefault === undefined ? '' : ', default: ...'} }`
}

/** The call that makes a value of options, without what may be a secret: texts, lists and objects are left out. */
export function callOf(name: string, options: object): string {
  const shown = Object.entries(options)
    .filter(([option]) => /^[a-z]\w{0,31}$/i.test(option))
    .map(([option, value]) => `${option}: ${isPlain(value) ? String(value) : '...'}`)
  return shown.length === 0 ? `${name}()` : `${name}({ ${shown.join(', ')} })`
}

function isPlain(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean'
}
