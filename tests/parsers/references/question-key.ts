import type { Context } from '../../../src/core/request/question.ts'

/** The fields of a cache key. `null` for a field that is not told or not sent. */
interface DecodedKey {
  readonly path: string | null
  readonly query: string | null
  readonly method: string | null
  /** With `headers: 'all'` names and values in turn, otherwise the value of each named header. */
  readonly headers: readonly (string | null)[]
  readonly token: string | null
  /** The unread rest, empty for a valid key. */
  readonly rest: string
}

/** Decodes a cache key without using any code of the encoder. */
export function decodeKey(key: string, context: Context): DecodedKey {
  let rest = key
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
  const path = context.path ? field() : null
  const query = context.params === 'none' ? null : field()
  const method = context.method ? field() : null
  const fields: (string | null)[] = []
  const isLeft = (): boolean => rest !== ''
  if (context.headers === 'all') while (isLeft()) fields.push(field())
  if (context.headers !== 'all') fields.push(...context.headers.map(() => field()), field())
  const token = fields.pop() ?? null
  return { path, query, method, headers: fields, token, rest }
}
