import { emptyRecord } from '../runtime.ts'
import { kindOf } from '../redaction.ts'
import { isRecord } from './claim-path.ts'
import type { OnFault } from './identity-faults.ts'

const MOST_BYTES = 8192
const DEEPEST = 32

/** Says which claim is wrong: its path, and what it must be. */
type Refuse = (path: string, expected: string) => never

/** Ends the copy of claims that are refused. */
const REFUSED = new TypeError('Not JSON')

/**
 * A frozen copy of claims. `undefined`, with a fault, unless they are an object of JSON values, with at most 8 KiB as JSON. A
 * `Map` or a class would become an object without the values that may restrict the caller.
 */
export function copyClaims(
  value: unknown,
  onFault?: OnFault,
): Readonly<Record<string, unknown>> | undefined {
  let fault = { field: 'claims', expected: 'an object of JSON values' }
  const refuse: Refuse = (name, expected) => {
    fault = { field: 'claims', expected, ...(name === '' ? {} : { name }) }
    throw REFUSED
  }
  try {
    if (!isRecord(value)) return refuse('', `an object of JSON values, received ${nameOf(value)}`)
    const copy = copyRecord(value, DEEPEST, '', refuse)
    const bytes = new TextEncoder().encode(JSON.stringify(copy)).byteLength
    return bytes <= MOST_BYTES ? copy : refuse('', 'at most 8 KiB as JSON')
  } catch {
    // A getter or a proxy may throw.
  }
  onFault?.(fault)
  return undefined
}

function copyValue(value: unknown, depth: number, path: string, refuse: Refuse): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (Number.isFinite(value)) return value
  if (typeof value !== 'object') return refuse(path, `a JSON value, received ${nameOf(value)}`)
  if (depth === 0) return refuse(path, 'at most 32 levels deep')
  if (!Array.isArray(value)) return copyRecord(value, depth, path, refuse)
  const copy = Array.from(value, (one, index) =>
    copyValue(one, depth - 1, `${path}.${index}`, refuse),
  )
  return Object.freeze(copy)
}

function copyRecord(
  value: object,
  depth: number,
  path: string,
  refuse: Refuse,
): Readonly<Record<string, unknown>> {
  if (!isPlain(value)) return refuse(path, `a JSON value, received ${nameOf(value)}`)
  const copy = emptyRecord<unknown>()
  for (const [name, one] of Object.entries(value)) {
    copy[name] = copyValue(one, depth - 1, path === '' ? name : `${path}.${name}`, refuse)
  }
  return Object.freeze(copy)
}

// Also for an object of another realm, whose prototype is not ours.
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function nameOf(value: unknown): string {
  return typeof value === 'number' ? String(value) : kindOf(value)
}
