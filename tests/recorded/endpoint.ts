import { createKeyEndpoint } from '../../src/keys.ts'
import { getAuth, withAuth } from '../../src/index.ts'
import { sendRaw } from '../support/raw-client.ts'
import { entry, keysText } from '../support/key-questions.ts'
import { readRecording } from './recording.ts'
import type { Case, Serve } from './recording.ts'

interface Recording {
  readonly endpoint: readonly {
    readonly name: string
    readonly who: string
    /** The request on the socket, with `<KEY>` for the key. Each character is a byte. */
    readonly bytes: string
    /** The question of the server to our endpoint, if it asked. */
    readonly question?: string
    readonly real: {
      readonly status: number
      readonly principal?: string
      readonly attributes?: object | null
    }
  }[]
}

const KEYS = keysText(
  entry('key-of-alice', {
    principal: 'alice',
    attributes: { teams: ['ml'], roles: ['user', 'admin'] },
  }),
  entry('key-of-bob', { principal: 'bob' }),
  entry('key-of-dave', { principal: 'dave', paths: ['/v1/files'] }),
  entry('key-of-gone', { principal: 'gone', revoked: '2026-11-29' }),
)

/** Keys in a file that Llama Stack asked our auth endpoint about: what it was asked, and the same requests behind our wrapper. */
export async function replayEndpoint(serve: Serve): Promise<Case[]> {
  const { endpoint: requests } = readRecording<Recording>('llama-stack')
  const endpoint = createKeyEndpoint({ text: KEYS })
  const app = (request: Request): Response => Response.json(getAuth(request))
  const port = await serve(
    withAuth(app, {
      endpoint: 'http://127.0.0.1/validate',
      fetch: (url, init) => endpoint(new Request(url, init)),
      onEvent: () => undefined,
    }),
  )
  const cases: Case[] = []
  for (const { name, who, bytes, question, real } of requests) {
    const withKey = (text: string): string => text.replaceAll('<KEY>', `key-of-${who}`)
    const recorded = real.status === 200 ? shown(real.principal, real.attributes) : 'rejected'
    if (question !== undefined) {
      const body = Buffer.from(withKey(question), 'latin1')
      const headers = { 'content-type': 'application/json' }
      const url = 'http://127.0.0.1/validate'
      const answer = await endpoint(new Request(url, { method: 'POST', headers, body }))
      cases.push({ of: `asked: ${name}`, recorded, ours: read(answer.status, await answer.text()) })
    }
    const received = await sendRaw(port, withKey(bytes))
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(received)?.[1])
    cases.push({
      of: `wrapped: ${name}`,
      recorded,
      ours: read(status, received.slice(received.indexOf('\r\n\r\n') + 4)),
    })
  }
  return cases
}

function read(status: number, body: string): string {
  if (status !== 200) return 'rejected'
  const { principal, attributes } = JSON.parse(body) as Record<string, unknown>
  return shown(principal, attributes)
}

/** The server names no attributes `null`. */
function shown(principal: unknown, attributes: unknown): string {
  return JSON.stringify({ principal, attributes: attributes ?? {} })
}
