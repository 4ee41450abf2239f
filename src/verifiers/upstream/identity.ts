import { isRecord } from '../../core/endpoint/claim-path.ts'
import { parseJson } from '../../core/endpoint/verdict.ts'
import { emptyRecord } from '../../core/request/question.ts'

// Fetch gives every byte as one character, so that others than these have no certain meaning.
const ASCII = /^[\x20-\x7e]*$/

/** A principal or a tenant as it was sent. `undefined` if it has no certain meaning: two headers are joined with a comma. */
export function readPlainName(value: string): string | undefined {
  return ASCII.test(value) && !value.includes(',') && value !== '' ? value : undefined
}

/** A principal or a tenant, percent-decoded as the gateway encodes it. `undefined` if it has no certain meaning. */
export function decodeName(value: string): string | undefined {
  const name = decode(readPlainName(value) ?? '')
  return name === '' || /[\p{Cc}\p{Cs}]/u.test(name) ? undefined : name
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}

/** Attributes from a JSON object of texts and lists of texts. `undefined` for anything else. */
export function readAttributes(
  value: string,
): Readonly<Record<string, readonly string[]>> | undefined {
  const json = ASCII.test(value) ? parseJson(value) : undefined
  if (!isRecord(json)) return undefined
  const attributes = emptyRecord<readonly string[]>()
  for (const [name, member] of Object.entries(json)) {
    const values = typeof member === 'string' ? [member] : member
    if (!isTexts(values)) return undefined
    attributes[name] = values
  }
  return attributes
}

/**
 * The values of one attribute: a JSON list of texts, a JSON text, or else the plain text. `undefined` for another list, and for
 * a plain text with a comma, which may be two headers.
 */
export function readValues(value: string): readonly string[] | undefined {
  if (!ASCII.test(value)) return undefined
  const json = parseJson(value)
  if (typeof json === 'string') return [json]
  if (Array.isArray(json)) return isTexts(json) ? json : undefined
  return value.includes(',') ? undefined : [value]
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
