import { emptyRecord } from '../core/runtime.ts'
import { isRecord, readName, readPath } from '../core/endpoint/claim-path.ts'
import { copyClaims } from '../core/endpoint/claims.ts'
import { splitScope } from '../core/endpoint/identity.ts'
import type { Verdict } from '../core/verifier.ts'

/** Claims of a token: an object that was parsed from JSON. Only own properties count. */
export type Claims = Readonly<Record<string, unknown>>

/** Which claims become which part of an identity. A path walks objects: see `readPath`. */
export interface ClaimsMapping {
  /** The paths of the principal. The first that is present decides. */
  readonly principal: readonly string[]
  /** Attributes by the path of their claim. */
  readonly attributes: Readonly<Record<string, string>>
  /** The path of the tenant. */
  readonly tenant?: string | undefined
  /** The names of claims that are passed on as they are. */
  readonly exposeClaims: readonly string[]
}

const KEYS = '#keys'
/** Claims of which a text holds several values (RFC 9068 §2.2.3). */
const SCOPES: ReadonlySet<string> = new Set(['scope', 'scp'])

/** The allow for a token with these claims, or the denial if they name no principal or are too large to be passed on. */
export function allowByClaims(claims: Claims, mapping: ClaimsMapping): Verdict {
  const principal = readFirst(claims, mapping.principal)
  if (principal === undefined) return lacking(mapping.principal)
  if (typeof principal !== 'string') return lacking(mapping.principal, 'is not a text')
  const picked = pickClaims(claims, mapping.exposeClaims)
  const exposed = picked === undefined ? undefined : copyClaims(picked)
  if (picked !== undefined && exposed === undefined) return { outcome: 'deny', detail: 'malformed' }
  return {
    outcome: 'allow',
    principal,
    attributes: mapAttributes(claims, mapping.attributes),
    scopes: readScopes(claims),
    clientId: readText(claims, 'client_id') ?? readText(claims, 'azp'),
    tenant: mapping.tenant === undefined ? undefined : readTenant(claims, mapping.tenant),
    claims: exposed,
  }
}

/** The denial of a token without a claim. Its event names the claim. */
export function lacking(claims: readonly string[], fault = 'is missing'): Verdict {
  const named = claims.map((name) => JSON.stringify(name)).join(' or ')
  return { outcome: 'deny', detail: 'missing_claim', cause: `the claim ${named} ${fault}` }
}

/**
 * The attributes of a caller. A text becomes a list of one: a user may choose a name with blanks. Only `scope` and `scp` are
 * split into their scopes. Claims of one attribute are joined. If one of them is neither a text nor a list of texts, there is no such
 * attribute: half of it would read as all of it to a rule about who is `not in` it.
 *
 * @param attributes The attribute for each path. With `#keys` at its end a path takes the names in an object.
 */
export function mapAttributes(
  claims: unknown,
  attributes: Readonly<Record<string, string>>,
): Readonly<Record<string, readonly string[]>> {
  const mapped = emptyRecord<readonly string[]>()
  const unread = new Set<string>()
  for (const [path, attribute] of Object.entries(attributes)) {
    const found = readTexts(claims, path)
    if (found === 'unreadable') unread.add(attribute)
    else if (found !== undefined) mapped[attribute] = [...(mapped[attribute] ?? []), ...found]
  }
  for (const attribute of unread) delete mapped[attribute]
  return mapped
}

/** The scopes of a token: `scope` as a text (RFC 9068 §2.2.3), else `scp`. The items of a list are not split. */
export function readScopes(claims: Claims): readonly string[] | undefined {
  return toScopes(readName(claims, 'scope')) ?? toScopes(readName(claims, 'scp'))
}

/** The tenant of a caller: a text, or a list of exactly one. */
export function readTenant(claims: unknown, path: string): string | undefined {
  const found = readTexts(claims, path)
  return found !== 'unreadable' && found?.length === 1 ? found[0] : undefined
}

/** The claims with these names, as they are, or `undefined` if there are none. */
export function pickClaims(claims: Claims, names: readonly string[]): Claims | undefined {
  const present = names.filter((name) => Object.hasOwn(claims, name))
  if (present.length === 0) return undefined
  const picked = emptyRecord<unknown>()
  for (const name of present) picked[name] = claims[name]
  return picked
}

// A server may send `null` or an empty text for what it does not know. Any other value decides: the next path may be one that
// a user chooses freely.
function readFirst(claims: Claims, paths: readonly string[]): unknown {
  const found = paths.map((path) => readPath(claims, path))
  return found.find((value) => value !== undefined && value !== null && value !== '')
}

function readText(claims: Claims, name: string): string | undefined {
  const value = readName(claims, name)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** The texts of a claim, `undefined` without one. */
function readTexts(claims: unknown, path: string): readonly string[] | 'unreadable' | undefined {
  const isOfNames = path.endsWith(KEYS)
  const value = readPath(claims, isOfNames ? path.slice(0, -KEYS.length) : path)
  if (value === undefined || value === null) return undefined
  if (isOfNames) return isRecord(value) ? Object.keys(value) : 'unreadable'
  if (typeof value === 'string') return SCOPES.has(path) ? splitScope(value) : [value]
  if (!Array.isArray(value)) return 'unreadable'
  const texts = textsOf(value)
  return texts.length === value.length ? texts : 'unreadable'
}

function toScopes(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return splitScope(value)
  return Array.isArray(value) ? textsOf(value) : undefined
}

function textsOf(list: readonly unknown[]): readonly string[] {
  return list.filter((item) => typeof item === 'string')
}
