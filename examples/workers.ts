// npm install with-auth wrangler && npx wrangler dev workers.ts --var AUTH_ENDPOINT:https://auth.example.com/validate
import { getAuth, withAuth } from 'with-auth'

interface Env {
  AUTH_ENDPOINT: string
}

const notes: string[] = []

const worker = {
  async fetch(request) {
    if (request.method === 'POST') notes.push((await request.json<{ text: string }>()).text)
    return Response.json({ principal: getAuth(request).principal, notes })
  },
} satisfies ExportedHandler<Env>

// An object, since Workers take an exported function for a class. It reads env.AUTH_ENDPOINT.
export default withAuth(worker)
