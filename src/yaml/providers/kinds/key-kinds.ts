import { invalidOption, invalidSecret, misusedOption } from '../../../core/config/option-checks.ts'
import { attributes } from '../../../verifiers/options.ts'
import type { Form, Kind } from '../../../core/config/kinds.ts'

/** The kinds of keys that only providers have. */

/** A value of this kind, or nothing. */
export function optional<Value>({
  form,
  parse,
}: Kind<never, Value>): Kind<never, Value | undefined> {
  return {
    form,
    parse: (value, path) => (value === undefined ? undefined : parse(value, path)),
  }
}

/** A value of this kind, which has to be there. */
export function needed<Value>(
  { form, parse }: Kind<never, Value | undefined>,
  expected: string,
): Kind<never, Value> {
  return {
    form,
    parse: (value, path) => {
      const parsed = parse(value, path)
      if (parsed !== undefined) return parsed
      throw misusedOption(path, expected)
    },
  }
}

/** A value that the verifier checks. */
export function unchecked(form: Form): Kind<never, unknown> {
  return { form, parse: (value) => value }
}

/** A text that matches, or nothing. No problem shows a secret one. */
export function matching(
  pattern: RegExp,
  expected: string,
  isSecret?: true,
): Kind<never, string | undefined> {
  return {
    form: { kind: 'matching', scalar: 'string', pattern, ...(isSecret && { isSecret }) },
    parse: (value, path) => {
      if (value === undefined || (typeof value === 'string' && pattern.test(value))) return value
      throw isSecret ? invalidSecret(path, expected) : invalidOption(path, value, expected)
    },
  }
}

/** A secret, or nothing. No problem shows it. */
export const secret: Kind<never, string | undefined> = {
  form: { kind: 'text', scalar: 'string', isSecret: true },
  parse: (value, path) => {
    if (value === undefined || (typeof value === 'string' && value !== '')) return value
    throw invalidSecret(path, 'a text that is not empty')
  },
}

/** A token that ends the header `Authorization`. */
export const bearerToken: Kind<never, string | undefined> = matching(
  /^[\x20-\x7e]*[\x21-\x7e]$/,
  'printable ASCII without a blank at its end',
  true,
)

/** The attribute for each claim. A given mapping replaces the default. */
export function claimsMapping(
  byDefault: Readonly<Record<string, string>>,
): Kind<never, Readonly<Record<string, string>>> {
  return {
    form: { ...attributes.form, default: byDefault },
    parse: (value = byDefault, path) => attributes.parse(value, path),
  }
}

/** OGX stops at `false`, unless it is told to be insecure. This cannot be told. */
export const verifyTls: Kind<never, true> = {
  form: { kind: 'true', scalar: 'boolean', default: true },
  parse: (value = true, path) => {
    if (value === true) return value
    throw misusedOption(path, 'true: for an authority of your own set `tlsCafile`')
  },
}
