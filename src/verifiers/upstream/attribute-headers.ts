import { invalidOption, isOptionsObject, readOptions } from '../../core/config/option-checks.ts'
import { parse } from '../../core/config/interpreter.ts'
import { parseEach } from '../../core/config/problems.ts'
import { IDENTITY_HEADER } from './proof-options.ts'
import type { OptionPath } from '../../core/config/problems.ts'

/**
 * How the header of one attribute is read: a name takes the value as one text, `separator` splits it, and `json` reads a JSON list of
 * texts, or a JSON text. A form is never guessed: a group may be named `["admin"]`.
 */
export type AttributeHeaderForm =
  | string
  | {
      /** The name of the attribute. */
      readonly attribute: string
      /** The text between two values, such as `','`. Blanks around a value and empty values fall away. */
      readonly separator: string
    }
  | {
      /** The name of the attribute. */
      readonly attribute: string
      /** The value is a JSON list of texts, or a JSON text. */
      readonly json: true
    }

export interface AttributeHeader {
  readonly header: string
  readonly attribute: string
  readonly separator: string | undefined
  readonly isJson: boolean
}

const FORMS =
  'the name of an attribute, { attribute, separator } such as { attribute: "roles", separator: "," }, or { attribute, json: true }'
const SEPARATOR = /^[\x20-\x7e]{1,8}$/

export function parseAttributeHeaders(
  value: unknown,
  path: OptionPath,
): readonly AttributeHeader[] {
  if (!isOptionsObject(value)) {
    throw invalidOption(path, value, 'an object of header names and attributes')
  }
  return parseEach(Object.entries(value), (entry) => parseAttributeHeader(entry, path))
}

/** The option as it was given, with the names of the headers in lower case. */
export function describeAttributeHeaders(
  headers: readonly AttributeHeader[],
): Readonly<Record<string, AttributeHeaderForm>> {
  return Object.fromEntries(
    headers.map(({ header, attribute, separator, isJson }) => {
      if (isJson) return [header, { attribute, json: true as const }]
      return [header, separator === undefined ? attribute : { attribute, separator }]
    }),
  )
}

function parseAttributeHeader([name, form]: [string, unknown], path: OptionPath): AttributeHeader {
  const header = parse<string>({ ...IDENTITY_HEADER, isRequired: true }, name, path)
  const at = [...path, name]
  if (typeof form === 'string' && form !== '') {
    return { header, attribute: form, separator: undefined, isJson: false }
  }
  if (!isOptionsObject(form)) throw invalidOption(at, form, FORMS)
  const { attribute, separator, json } = readOptions(form, ['attribute', 'separator', 'json'], at)
  if (typeof attribute !== 'string' || attribute === '') {
    throw invalidOption([...at, 'attribute'], attribute, 'the name of an attribute')
  }
  if (json === true && separator === undefined) {
    return { header, attribute, separator: undefined, isJson: true }
  }
  if (json !== undefined || separator === undefined) throw invalidOption(at, form, FORMS)
  if (typeof separator !== 'string' || !SEPARATOR.test(separator)) {
    throw invalidOption([...at, 'separator'], separator, '1 to 8 characters of printable ASCII')
  }
  return { header, attribute, separator, isJson: false }
}
