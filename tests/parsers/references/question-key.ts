import type { Context } from '../../../src/core/request/question.ts'

/** What a key says. `null` stands for what is not told, or not there. */
export interface DecodedKey {
  readonly version: string
  readonly scope: unknown
  readonly path: string | null
  readonly query: string | null
  readonly method: string | null
  /** Names and values in turn for `'all'` headers, else the value of each that is named. */
  readonly headers: readonly (string | null)[]
  readonly token: string | null
  /** What is left over: nothing, if the key is one. */
  readonly rest: string
}

/** Takes a key apart again, in the order of the contract and not with the encoder's own code. */
export function decodeKey(key: string, context: Context): DecodedKey {
  let rest = key.slice(1)
  const take = (length: number): string => {
    const text = rest.slice(0, length)
    rest = rest.slice(length)
    return text
  }
  const field = (): string | null => {
    if (rest.startsWith('-')) return take(1) && null
    const length = Number(take(rest.indexOf(':')))
    take(1)
    return take(length)
  }
  const scope: unknown = JSON.parse(field() ?? '')
  const path = context.path ? field() : null
  const query = context.params === 'none' ? null : field()
  const method = context.method ? field() : null
  const fields: (string | null)[] = []
  const isLeft = (): boolean => rest !== ''
  if (context.headers === 'all') while (isLeft()) fields.push(field())
  if (context.headers !== 'all') fields.push(...context.headers.map(() => field()), field())
  const token = fields.pop() ?? null
  return { version: key.charAt(0), scope, path, query, method, headers: fields, token, rest }
}
