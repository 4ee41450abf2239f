import { createHash } from 'node:crypto'

/** The POST that `withAuth` sends. */
export function ask(
  key: string,
  path = '/v1/models',
  headers: Readonly<Record<string, string>> = {},
): Request {
  const body = JSON.stringify({ api_key: key, request: { path, headers: {}, params: {} } })
  return post(body, { 'content-type': 'application/json', ...headers })
}

/** A POST with any body. */
export function post(
  body: string | Uint8Array<ArrayBuffer> | ReadableStream | null,
  headers: Readonly<Record<string, string>> = {},
): Request {
  const init = { method: 'POST', body, headers, duplex: 'half' } as const
  return new Request('https://auth.example.test/validate', init)
}

/** An entry of a keys file, as JSON (which is YAML). */
export function entry(key: string, fields: object = {}): string {
  const sha256 = createHash('sha256').update(key).digest('hex')
  return JSON.stringify({ id: key, principal: 'alice', ...fields, sha256 })
}

export function keysText(...entries: readonly string[]): string {
  return `keys:\n${entries.map((one) => `  - ${one}\n`).join('')}`
}

/** The whole text of an export. */
export async function textOf(pieces: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const piece of pieces) text += piece
  return text
}
