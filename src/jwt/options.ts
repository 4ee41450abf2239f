import { parseServiceUrl } from '../core/config/endpoint.ts'
import { namesOf, parseFields } from '../core/config/kinds.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import { readName } from '../core/endpoint/claim-path.ts'
import { isPublicKey, parseKeySet } from './key-set.ts'
import { TABLE } from './option-table.ts'
import type { KeySet } from './key-set.ts'
import type { SimpleOptions } from './option-table.ts'

/** Where the keys come from. */
export type KeysFrom =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'discovery' }
  | { readonly kind: 'function'; readonly fetchSet: () => Promise<unknown> }
  | { readonly kind: 'set'; readonly set: KeySet; readonly given: unknown }

/** Options with their defaults. */
export interface ParsedOptions extends SimpleOptions {
  readonly from: KeysFrom
}

type Given = Partial<Record<keyof SimpleOptions | 'jwksUri' | 'keys', unknown>>

/** @throws AuthConfigError with all problems. */
export function parseJwtOptions(value: unknown): ParsedOptions {
  const problems = new Problems()
  const names = [...namesOf(TABLE), 'jwksUri', 'keys'] as const
  const given = readOptions(value, names, [], 'an object', problems)
  const simple = parseFields<SimpleOptions>(TABLE, given, [], problems)
  const isInsecure = simple.allowInsecureHttp === true
  const from = problems.attempt(() => parseFrom(given, simple.issuer, isInsecure))
  if (given.jwksHeaders !== undefined && given.jwksUri === undefined) {
    problems.add(misusedOption(['jwksHeaders'], 'left out without `jwksUri`'))
  }
  problems.throwIfAny()
  // Without a problem each option has been parsed by its kind.
  return Object.freeze({ ...simple, from }) as ParsedOptions
}

function parseFrom({ jwksUri, keys }: Given, issuer: unknown, isInsecure: boolean): KeysFrom {
  if (jwksUri !== undefined && keys !== undefined) {
    throw misusedOption(['keys'], 'left out beside `jwksUri`: give one of them')
  }
  if (jwksUri !== undefined) {
    return { kind: 'url', url: parseServiceUrl(jwksUri, ['jwksUri'], isInsecure) }
  }
  if (keys !== undefined) return parseKeys(keys)
  if (typeof issuer === 'string') requireDiscoverable(issuer, isInsecure)
  return { kind: 'discovery' }
}

/** RFC 8414 §2: https, without a query and a fragment. */
function requireDiscoverable(issuer: string, isInsecure: boolean): void {
  if (!/^https?:/i.test(issuer) || issuer.includes('?')) {
    const hint = 'or give `jwksUri` or `keys`'
    throw invalidOption(['issuer'], issuer, 'an https URL to start discovery', { hint })
  }
  parseServiceUrl(issuer, ['issuer'], isInsecure)
}

function parseKeys(keys: unknown): KeysFrom {
  if (typeof keys === 'function') {
    return { kind: 'function', fetchSet: async () => (keys as () => unknown)() }
  }
  const list = isOptionsObject(keys) ? readName(keys, 'keys') : undefined
  if (!Array.isArray(list)) {
    throw invalidSecret(
      ['keys'],
      'a JSON Web Key Set, { keys: […] }, or a function that fetches one',
    )
  }
  const problems = new Problems()
  for (const [index, key] of list.entries()) {
    if (!isPublicKey(key)) problems.add(invalidSecret(['keys', 'keys', index], 'a public key'))
  }
  problems.throwIfAny()
  const set = parseKeySet(keys)
  if (set !== undefined) return { kind: 'set', set, given: keys }
  throw invalidSecret(['keys'], 'a set of 1 to 100 keys, at least one of them for signatures')
}
