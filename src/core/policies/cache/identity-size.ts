import { NOBODY } from '../../endpoint/verdict.ts'
import type { Auth } from '../../types.ts'

const ATTRIBUTES_BYTES = 160
const LIST_BYTES = 72
const POINTER_BYTES = 8
const TEXT_BYTES = 16

/** Estimates the bytes of an identity, as measured on V8. The objects around short texts take most of them. */
export function sizeOf({ principal = '', attributes }: Auth): number {
  let bytes = sizeOfText(principal)
  if (attributes === NOBODY.attributes) return bytes
  bytes += ATTRIBUTES_BYTES
  for (const [name, list] of Object.entries(attributes)) {
    bytes += LIST_BYTES + sizeOfText(name)
    for (const text of list) bytes += POINTER_BYTES + sizeOfText(text)
  }
  return bytes
}

function sizeOfText({ length }: string): number {
  return TEXT_BYTES + 2 * length
}
