import { parseOptions } from '../../../core/config/interpreter.ts'
import { misusedOption } from '../../../core/config/option-checks.ts'
import { SERVICE_URL } from '../../../verifiers/options.ts'
import type { FormOf, Table } from '../../../core/config/form.ts'

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

const TABLE: Table<IntrospectionKeys> = {
  url: SERVICE_URL,
  client: { kind: 'choice', choices: ['none'], expected: '"none", or left out' },
  clientId: { kind: 'text' },
  clientSecret: { kind: 'text', isSecret: true },
  sendSecretInBody: { kind: 'boolean', default: false },
}

export const INTROSPECTION_KEYS: FormOf<IntrospectionKeys | undefined> = {
  kind: 'code',
  is: 'group',
  fields: TABLE,
  read: (value, path) => {
    const { sendSecretInBody, ...keys } = parseOptions(
      TABLE,
      value,
      path,
      (_, given, problems) => {
        for (const name of ['clientId', 'clientSecret', 'sendSecretInBody'] as const) {
          const isGiven = given[name] !== undefined
          const isWrong =
            given.client === undefined ? !isGiven && name !== 'sendSecretInBody' : isGiven
          if (!isWrong) continue
          const expected = isGiven ? ASKS_NOBODY : WHO_ASKS
          problems.add(misusedOption([...path, name], expected))
        }
      },
      'a mapping',
    )
    return { ...keys, sendSecretInBody: keys.client === undefined ? sendSecretInBody : undefined }
  },
}
