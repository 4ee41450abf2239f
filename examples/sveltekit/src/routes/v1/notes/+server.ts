// A route that reads the identity.
import { json } from '@sveltejs/kit'
import type { RequestHandler } from '@sveltejs/kit'

const notes: string[] = []

export const GET: RequestHandler = ({ locals }) =>
  json({ principal: locals.auth?.principal, notes })

export const POST: RequestHandler = async ({ request, locals }) => {
  const { text } = await request.json()
  notes.push(text)
  return json({ principal: locals.auth?.principal, notes })
}
