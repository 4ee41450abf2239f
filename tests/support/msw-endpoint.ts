import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll } from 'vitest'

export const ENDPOINT = 'https://auth.example.test/validate'

/** A request to the endpoint. */
export interface Asked {
  readonly body: { api_key: string; request: Record<string, unknown> }
  readonly text: string
  readonly headers: Headers
}

export interface MswEndpoint {
  readonly asked: Asked[]
  /** Sets the answer for the rest of a test, 401 by default. */
  answer: (response: () => Response | Promise<Response>) => void
}

/** An auth endpoint for the tests of one file. A request to another URL fails. */
export function setupEndpoint(): MswEndpoint {
  const refuse = (): Response => new HttpResponse(null, { status: 401 })
  let answer: () => Response | Promise<Response> = refuse
  const asked: Asked[] = []
  const server = setupServer(
    http.post(ENDPOINT, async ({ request }) => {
      const text = await request.text()
      asked.push({ body: JSON.parse(text) as Asked['body'], text, headers: request.headers })
      return answer()
    }),
  )
  beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
  afterEach(() => {
    server.resetHandlers()
    asked.length = 0
    answer = refuse
  })
  afterAll(() => server.close())
  return {
    asked,
    answer: (response) => {
      answer = response
    },
  }
}
