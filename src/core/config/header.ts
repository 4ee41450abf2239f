import { HTTP_TOKEN } from './option-checks.ts'
import type { FormOf } from './form.ts'

/** The name of a header, in lower case. */
export const HEADER: FormOf<string | undefined> = {
  kind: 'text',
  pattern: HTTP_TOKEN,
  isName: true,
  expected: 'a header name',
}
