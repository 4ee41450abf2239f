// In your Next.js app: npm install with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx next dev
import { getAuth, withAuth } from 'with-auth'
import type { NextRequest } from 'next/server'

const notes: string[] = []

async function handler(request: NextRequest): Promise<Response> {
  if (request.method === 'POST') notes.push((await request.json()).text)
  return Response.json({ principal: getAuth(request).principal, notes })
}

const guarded = withAuth(handler)

export { guarded as GET, guarded as POST }
