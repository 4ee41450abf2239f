import { boolean } from '../../../core/config/kinds.ts'
import { invalidOption, misusedOption } from '../../../core/config/option-checks.ts'
import { readName } from '../../../core/endpoint/claim-path.ts'
import { optionalText, serviceUrl } from '../../../verifiers/options.ts'
import { needed, secret } from './key-kinds.ts'
import { section } from './provider.ts'
import type { Kind } from '../../../core/config/kinds.ts'

/** How an introspection endpoint is asked. */
export interface IntrospectionKeys {
  readonly url: string
  /** The endpoint does not ask who asks. */
  readonly client: 'none' | undefined
  readonly clientId: string | undefined
  readonly clientSecret: string | undefined
  readonly sendSecretInBody: boolean | undefined
}

const WHO_ASKS =
  'given: the endpoint must know who asks, unless it needs no client: then write client: none'
const ASKS_NOBODY = 'left out beside `introspection.client`'
const IN_BODY = boolean(false)
const NONE: Kind<never, 'none' | undefined> = {
  form: { kind: 'choice', scalar: 'string', choices: ['none'] },
  parse: (value: unknown, path) => {
    if (value === undefined || value === 'none') return value
    throw invalidOption(path, value, '"none", or left out')
  },
}

const BY_CLIENT = section<IntrospectionKeys>({
  url: serviceUrl,
  client: NONE,
  clientId: needed(optionalText, WHO_ASKS),
  clientSecret: needed(secret, WHO_ASKS),
  sendSecretInBody: IN_BODY,
})
const BY_NOBODY = section<IntrospectionKeys>({
  url: serviceUrl,
  client: NONE,
  clientId: absent(optionalText, ASKS_NOBODY),
  clientSecret: absent(secret, ASKS_NOBODY),
  sendSecretInBody: absent(IN_BODY, ASKS_NOBODY),
})
export const INTROSPECTION_KEYS: Kind<never, IntrospectionKeys> = {
  form: BY_CLIENT.form,
  parse: (value, path) =>
    (readName(value, 'client') === undefined ? BY_CLIENT : BY_NOBODY).parse(value, path),
}

/** Nothing, in place of a value of this kind. */
function absent<Value>({ form }: Kind<never, Value>, expected: string): Kind<never, undefined> {
  return {
    form,
    parse: (value, path) => {
      if (value === undefined) return value
      throw misusedOption(path, expected)
    },
  }
}
