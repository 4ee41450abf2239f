// AUTH_ENDPOINT=https://auth.example.com/validate DECISION_POINT=https://pdp.example.com npx srvx authzen.ts
import { AuthUnavailableError, getAuth, withAuth, type Access } from 'with-auth'

const url = `${process.env.DECISION_POINT}/access/v1/evaluation`

function unreachable(cause: unknown): never {
  throw new AuthUnavailableError('unreachable', { cause })
}

async function authorize({ auth, method, path, signal }: Access): Promise<boolean> {
  const subject = { type: 'user', id: auth.principal, properties: auth.attributes }
  const question = { subject, action: { name: method }, resource: { type: 'route', id: path } }
  const [headers, body] = [{ 'content-type': 'application/json' }, JSON.stringify(question)]
  const init = { method: 'POST', headers, body, signal, redirect: 'manual' } as const
  const response = await fetch(url, init).catch(unreachable)
  // A "no" is a 200 as well.
  if (response.status !== 200) throw new AuthUnavailableError('service_error')
  return (await response.json()).decision === true
}

export default withAuth((request) => new Response(`Hello ${getAuth(request).principal}\n`), {
  authorize,
  identity: 'required',
  unavailableStatus: 503,
})
