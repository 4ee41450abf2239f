import { isRecord } from './claim-path.ts'
import { emptyRecord } from '../request/question.ts'

const MOST_BYTES = 8192
const DEEPEST = 32

/** A frozen copy of claims. `undefined` unless they are an object of JSON values, with at most 8 KiB as JSON. */
export function copyClaims(value: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const copy = isRecord(value) ? copyRecord(value, DEEPEST) : undefined
    const bytes = new TextEncoder().encode(JSON.stringify(copy)).byteLength
    return bytes <= MOST_BYTES ? copy : undefined
  } catch {
    return undefined
  }
}

// Throws for what JSON cannot hold.
function copyValue(value: unknown, depth: number): unknown {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'object' || depth === 0) throw new TypeError('Not JSON, or too deep')
  if (Array.isArray(value))
    return Object.freeze(Array.from(value, (one) => copyValue(one, depth - 1)))
  return copyRecord(value, depth)
}

function copyRecord(value: object, depth: number): Readonly<Record<string, unknown>> {
  const copy = emptyRecord<unknown>()
  for (const [name, one] of Object.entries(value)) copy[name] = copyValue(one, depth - 1)
  return Object.freeze(copy)
}
