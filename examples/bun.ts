// bun add with-auth && AUTH_ENDPOINT=https://auth.example.com/validate bun bun.ts
import { getAuth, withAuth } from 'with-auth'

const notes: string[] = []

function list(request: Request): Response {
  return Response.json({ principal: getAuth(request).principal, notes })
}

async function add(request: Request): Promise<Response> {
  const { text } = (await request.json()) as { text: string }
  notes.push(text)
  return list(request)
}

function show(request: Bun.BunRequest<'/v1/notes/:index'>): Response {
  return Response.json({ note: notes[Number(request.params.index)] })
}

// Bun answers routes before `fetch`, so each is guarded.
const routes = {
  '/v1/notes': { GET: withAuth(list), POST: withAuth(add) },
  '/v1/notes/:index': withAuth(show),
}
console.log(`Listening on ${Bun.serve({ routes }).url}`)
