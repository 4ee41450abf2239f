import { isOptionsObject, misusedOption } from './option-checks.ts'
import type { Problems } from './problems.ts'

/** The form of `context.clientAddress`. */
export const ADDRESS: string = 'context: { clientAddress: (request, ...args) => address }'

/** What `context.clientAddress` was a flag for. */
export const ADDRESS_FUNCTION: string = `a function that returns the address of the client: ${ADDRESS}`

/** The new form of each option that has become a value, by its old name. */
const REPLACED: Readonly<Record<string, (value: unknown) => string>> = {
  store: () => 'an option of the cache: cache: memoryCache({ store: redisStore({ url }) })',
  clientAddress: () => `a part of \`context\`: ${ADDRESS}`,
}

/** Adds a problem for each option that a function makes now. Returns the config without them. */
export function rejectReplaced(config: unknown, problems: Problems): unknown {
  if (!isOptionsObject(config)) return config
  const entries = Object.entries(config)
  const kept = entries.filter(([name, value]) => {
    const instead = Object.hasOwn(REPLACED, name) ? REPLACED[name]?.(value) : undefined
    if (instead === undefined || value === undefined) return true
    problems.add(misusedOption([name], instead))
    return false
  })
  return kept.length === entries.length ? config : Object.fromEntries(kept)
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
