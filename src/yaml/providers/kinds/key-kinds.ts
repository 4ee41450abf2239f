import type { Form, FormOf } from '../../../core/config/form.ts'

/** The kinds of keys that only providers have. */

/** A value that the verifier checks. It may be a text, or a list of these, or a mapping to these. */
export function unchecked(
  is: string,
  more: {
    readonly isText?: true
    readonly isSecret?: true
    readonly items?: Form
    readonly entries?: Form
  } = {
    isText: true,
  },
): FormOf<unknown> {
  return { kind: 'code', is, read: (value) => value, ...more }
}

/** OGX stops at `false`, unless it is told to be insecure. This cannot be told. */
export const VERIFY_TLS: FormOf<true> = {
  kind: 'choice',
  choices: [true],
  default: true,
  expected: 'true',
  hint: 'for an authority of your own set `tlsCafile`',
}
