// npm install srvx with-auth && AUTH_ENDPOINT=https://auth.example.com/validate node srvx.ts
import { serve } from 'srvx'
import { getAuth, withAuth } from 'with-auth'

const notes: string[] = []

async function handler(request: Request): Promise<Response> {
  if (request.method === 'POST') notes.push((await request.json()).text)
  return Response.json({ principal: getAuth(request).principal, notes })
}

serve({ fetch: withAuth(handler) })
