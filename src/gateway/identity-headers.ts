import type { Auth } from '../core/types.ts'
import type { Field } from './field-names.ts'

/** The fields that tell the upstream who sent a request; `undefined` for what it is not told. */
export interface IdentityHeaderNames {
  readonly principal: string | undefined
  readonly attributes: string | undefined
}

export const DEFAULT_NAMES: { readonly principal: string; readonly attributes: string } = {
  principal: 'x-auth-principal',
  attributes: 'x-auth-attributes',
}

// Many servers take no head of more than 16 KiB, and what is cut is another identity.
const MAX_LENGTH = 8192

/**
 * The fields for an identity, or `undefined` if it cannot be told: a control character in the principal, a lone surrogate, or
 * more than 8,192 characters.
 */
export function identityFields(
  { principal, attributes }: Auth,
  names: IdentityHeaderNames,
): readonly Field[] | undefined {
  const fields: Field[] = []
  if (names.principal !== undefined && principal !== undefined) {
    const value = encodePrincipal(principal)
    if (value === undefined) return undefined
    fields.push([names.principal, value])
  }
  if (names.attributes !== undefined && Object.keys(attributes).length > 0) {
    fields.push([names.attributes, encodeAttributes(attributes)])
  }
  return fields.some(([, value]) => value.length > MAX_LENGTH) ? undefined : fields
}

/**
 * A principal as a field value: itself, but for what is no printable ASCII, blanks at its ends (which every server trims) and
 * `%`, which are percent-encoded as UTF-8. So `decodeURIComponent` gives it back, and no two are the same.
 */
export function encodePrincipal(principal: string): string | undefined {
  if (/[\p{Cc}\p{Cs}]/u.test(principal)) return undefined
  return principal.replace(/[^\x20-\x7e]+|%|^ | $/gu, encodeURIComponent)
}

/** Attributes as JSON in ASCII, which no server reads in two ways. */
export function encodeAttributes(attributes: Auth['attributes']): string {
  return JSON.stringify(attributes).replace(/[^\x20-\x7e]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
