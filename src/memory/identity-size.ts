import { NOBODY } from '../core/endpoint/identity.ts'
import type { Auth } from '../core/types.ts'

const ATTRIBUTES_BYTES = 160
const LIST_BYTES = 72
const POINTER_BYTES = 8
const TEXT_BYTES = 16

/** Estimates the bytes of an identity, as measured on V8. The objects around short texts take most of them. */
export function sizeOf(auth: Auth): number {
  const { principal = '', attributes, scopes, clientId, tenant, claims } = auth
  let bytes = sizeOfText(principal)
  if (clientId !== undefined) bytes += sizeOfText(clientId)
  if (tenant !== undefined) bytes += sizeOfText(tenant)
  if (scopes !== undefined) bytes += sizeOfList(scopes)
  // Each character of JSON stands for at most the bytes of a short text.
  if (claims !== undefined) bytes += TEXT_BYTES * JSON.stringify(claims).length
  if (attributes === NOBODY.attributes) return bytes
  bytes += ATTRIBUTES_BYTES
  for (const [name, list] of Object.entries(attributes)) {
    bytes += sizeOfText(name) + sizeOfList(list)
  }
  return bytes
}

function sizeOfList(list: readonly string[]): number {
  return list.reduce((bytes, text) => bytes + POINTER_BYTES + sizeOfText(text), LIST_BYTES)
}

/** Estimates the bytes of a text, with the object around it. */
export function sizeOfText({ length }: string): number {
  return TEXT_BYTES + 2 * length
}
