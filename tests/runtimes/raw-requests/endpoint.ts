import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { close, listen } from '../../support/loopback.ts'

/** One question, and what was answered. */
export interface Question {
  readonly token: string
  readonly path: string
  readonly params: Readonly<Record<string, string | readonly string[]>>
  readonly headers: Readonly<Record<string, string>>
  readonly isAllowed: boolean
}

/** The longest token that is asked about. */
export const LONG_TOKEN = 'g'.repeat(8192)

const GOOD_TOKENS: ReadonlySet<string> = new Set(['good', LONG_TOKEN])

/** An auth endpoint that writes down all that it is asked. */
export async function startRecordingEndpoint() {
  const questions: Question[] = []
  const answer = (body: string): number => {
    const { api_key: token, request } = JSON.parse(body) as {
      api_key: string
      request: Omit<Question, 'token' | 'isAllowed'>
    }
    const isAllowed = GOOD_TOKENS.has(token)
    questions.push({ ...request, token, isAllowed })
    return isAllowed ? 200 : 401
  }
  // Longer than any pause between two batches: a connection that ends as it is used again would be an outage.
  const server = createServer({ keepAliveTimeout: 120_000 }, (request, response) => {
    void text(request).then((body) => response.writeHead(answer(body)).end())
  })
  const port = await listen(server)
  return { url: `http://127.0.0.1:${port}/validate`, questions, close: () => close(server) }
}
