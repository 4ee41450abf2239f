// A route that reads the identity.
import type { APIRoute } from 'astro'

const notes: string[] = []

export const GET: APIRoute = ({ locals }) =>
  Response.json({ principal: locals.auth?.principal, notes })

export const POST: APIRoute = async ({ request, locals }) => {
  const { text } = await request.json()
  notes.push(text)
  return Response.json({ principal: locals.auth?.principal, notes })
}
