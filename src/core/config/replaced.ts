import { isOptionsObject, misusedOption } from './option-checks.ts'
import type { Problems } from './problems.ts'

const OF_ENDPOINT =
  /^(?:endpoint(?:Headers)?|allowInsecureHttp|identity|tenantField|context|fetch)$/

/** Adds a problem for each option that an imported function makes. Returns the config without them. */
export function rejectReplaced(config: unknown, problems: Problems): unknown {
  if (!isOptionsObject(config)) return config
  const { tenant, store, ...rest } = config as Readonly<Record<string, unknown>>
  if (tenant === undefined && store === undefined) return config
  if (tenant !== undefined) {
    // The environment may name the endpoint.
    const moved = Object.entries({ endpoint: '', ...rest }).filter(([name]) =>
      OF_ENDPOINT.test(name),
    )
    const inner =
      'verifier' in rest ? 'verifier' : callOf('endpointVerifier', Object.fromEntries(moved))
    const call = `tenancy(${inner}, ${optionsOf(Object(tenant) as object)})`
    problems.add(
      misusedOption(['tenant'], `made by a function: verifier: ${call} of with-auth/verifiers`),
    )
  }
  if (store !== undefined) {
    const call = 'memoryCache({ store: redisStore({ url }) })'
    problems.add(misusedOption(['store'], `an option of the cache: cache: ${call}`))
  }
  return rest
}

/** The call that makes a value of options, without what may be a secret: texts, lists and objects are left out. */
export function callOf(name: string, options: object): string {
  const shown = optionsOf(options)
  return `${name}(${shown === '{}' ? '' : shown})`
}

function optionsOf(options: object): string {
  const shown = Object.entries(options)
    .filter(([option]) => /^[a-z]\w{0,31}$/i.test(option))
    .map(([option, value]) => {
      const isPlain = typeof value === 'number' || typeof value === 'boolean'
      return `${option}: ${isPlain ? String(value) : '...'}`
    })
  return shown.length === 0 ? '{}' : `{ ${shown.join(', ')} }`
}
