import { parseEntries } from './problems.ts'
import { invalidOption, invalidSecret, isHttpToken, isOptionsObject } from './option-checks.ts'
import type { FormOf } from './form.ts'
import type { OptionPath } from './problems.ts'

// The wrapper sets these. Another value would change the meaning of the request.
const OWN_HEADERS =
  /^(?:accept|connection|content-(?:encoding|length|type)|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/

/** Headers that are added to the validation request. No problem shows a value. */
export const ENDPOINT_HEADERS: FormOf<Readonly<Record<string, string>>> = {
  kind: 'code',
  is: 'endpointHeaders',
  default: {},
  isSecret: true,
  entries: { kind: 'text', isSecret: true },
  read: (value, path) => {
    if (!isOptionsObject(value)) throw invalidSecret(path, 'an object of header names and values')
    const seen = new Set<string>()
    return parseEntries(value, (name, text) => [
      parseHeaderName(name, seen, path),
      parseHeaderValue(text, [...path, name]),
    ])
  },
}

function parseHeaderName(given: string, seen: Set<string>, path: OptionPath): string {
  if (!isHttpToken(given)) throw invalidOption(path, given, 'made of valid header names')
  const name = given.toLowerCase()
  const fault = OWN_HEADERS.test(name)
    ? 'the wrapper sets this header itself'
    : seen.has(name)
      ? 'the object has the same header in another case'
      : undefined
  if (fault !== undefined) throw invalidSecret([...path, given], `left out: ${fault}`)
  seen.add(name)
  return name
}

function parseHeaderValue(value: unknown, path: OptionPath): string {
  if (typeof value === 'string' && /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value))
    return value
  if (value === undefined) throw invalidOption(path, value, 'given a value')
  throw invalidSecret(path, 'a non-empty string of printable ASCII')
}
