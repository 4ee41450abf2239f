// deno add npm:with-auth && AUTH_ENDPOINT=https://auth.example.com/validate deno serve --allow-net --allow-env deno.ts
import { getAuth, withAuth } from 'with-auth'

const notes: string[] = []

async function handler(request: Request): Promise<Response> {
  if (request.method === 'POST') notes.push((await request.json()).text)
  return Response.json({ principal: getAuth(request).principal, notes })
}

export default withAuth(handler) satisfies Deno.ServeDefaultExport
