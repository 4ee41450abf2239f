// bun add with-auth && AUTH_ENDPOINT=https://auth.example.com/validate bun bun.ts
import { getAuth } from 'with-auth'
import { withAuthRoutes } from 'with-auth/bun'

const notes: string[] = []

function list(request: Request): Response {
  return Response.json({ principal: getAuth(request).principal, notes })
}

async function add(request: Request): Promise<Response> {
  const { text } = (await request.json()) as { text: string }
  notes.push(text)
  return list(request)
}

// Bun answers routes before `fetch`, so they are guarded as a table.
const routes = withAuthRoutes({
  '/v1/notes': { GET: list, POST: add },
  '/v1/notes/:index': ({ params }) => Response.json({ note: notes[Number(params.index)] }),
})
console.log(`Listening on ${Bun.serve({ routes }).url}`)
