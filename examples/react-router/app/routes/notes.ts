// A route that reads the identity.
import { authContext } from '../auth.ts'
import type { ActionFunctionArgs, LoaderFunctionArgs } from 'react-router'

const notes: string[] = []

export function loader({ context }: LoaderFunctionArgs): Response {
  return Response.json({ principal: context.get(authContext)?.principal, notes })
}

export async function action({ request, context }: ActionFunctionArgs): Promise<Response> {
  const { text } = await request.json()
  notes.push(text)
  return Response.json({ principal: context.get(authContext)?.principal, notes })
}
