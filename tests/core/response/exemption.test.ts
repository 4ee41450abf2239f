import { Hono } from 'hono'
import { methodOverride } from 'hono/method-override'
import { describe, expect, it } from 'vitest'
import { withAuth } from '../../../src/index.ts'
import { TOKEN } from '../../support/token.ts'
import type { Verifier } from '../../../src/index.ts'
import { words } from '../../support/words.ts'

const verifier: Verifier = ({ token }) => ({ outcome: token === TOKEN ? 'allow' : 'deny' })
const PREFLIGHT = { origin: 'https://app.example.test', 'access-control-request-method': 'POST' }

/** An app whose override is inside the guard, and the methods of the notes that it has run. */
function notesApp(override: object) {
  const ran: string[] = []
  const app = new Hono()
  app.use(methodOverride({ app, ...override }))
  app.all('/notes', (c) => {
    ran.push(c.req.method)
    return c.body(null, 204)
  })
  const config = { verifier, public: ['/notes'], preflight: 'allow' } as const
  return { ran, guarded: withAuth((request: Request) => app.fetch(request), config) }
}

const EXEMPT: readonly [method: string, headers: Record<string, string>][] = [
  ['HEAD', {}],
  ['OPTIONS', PREFLIGHT],
]

describe.each(EXEMPT)('%s without a token', (method, exempt) => {
  const notes = (query: string, headers = exempt): Request =>
    new Request(`http://h/notes?${query}`, { method, headers })

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])(
    'runs no DELETE by %s',
    async (name) => {
      const { ran, guarded } = notesApp({ header: name })
      const overriding = { ...exempt, [name]: 'DELETE' }
      expect((await guarded(notes('', overriding))).status).toBe(401)
      expect(ran).toEqual([])
      const authorization = `Bearer ${TOKEN}`
      await guarded(notes('', { ...overriding, authorization }))
      expect(ran).toEqual(['DELETE'])
    },
  )

  it.each(
    words(`
    _method %5Fmethod %5f%6D%65%74%68%6f%64 a=b&_method a;_method ?_method
  `),
  )('runs no DELETE by a query with %s', async (name) => {
    const { ran, guarded } = notesApp({ query: '_method' })
    const { status } = await guarded(notes(`${name}=DELETE`))
    expect({ status, ran }).toEqual({ status: 401, ran: [] })
  })

  it.each(['', 'method=DELETE', 'payment_method=card', 'a=_method', '__method=DELETE'])(
    'is exempt with the query %j',
    async (query) => {
      const { ran, guarded } = notesApp({ query: '_method' })
      expect((await guarded(notes(query))).status).toBe(204)
      expect(ran).toEqual([method])
    },
  )
})
