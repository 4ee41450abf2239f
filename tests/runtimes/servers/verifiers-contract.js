// Answers a request with the decisions of `firstOf()` in this runtime, over the services that the query names.
import { createAuthenticator, memoryCache } from 'with-auth'
import { endpointVerifier, firstOf, introspection } from 'with-auth/verifiers'

async function decide({ introspect, endpoint, tokens }) {
  const events = []
  const authenticate = createAuthenticator({
    verifier: firstOf(
      [
        introspection({
          url: introspect,
          // With every character that a form or a header may garble.
          client: { id: 'my:api', secret: 'a:b%c+d ü/=&' },
          audience: 'my-api',
          attributes: { 'realm_access.roles': 'roles' },
          accepts: (token) => token.startsWith('o-'),
        }),
        endpointVerifier({ endpoint, context: { headers: [], params: 'none', path: false } }),
      ],
      { retry: false },
    ),
    cache: memoryCache(),
    timeoutMs: 2000,
    onEvent: (event) => events.push(event),
  })
  for (const token of tokens) {
    const headers = { authorization: `Bearer ${token}` }
    await authenticate(new Request('http://h/a?b=c', { headers }))
  }
  return events.map(({ type, reason, detail, principal, verifier, cache, state, message }) => ({
    type,
    reason,
    detail,
    principal,
    verifier,
    cache,
    state,
    message,
  }))
}

// As an object: Workers take no function.
export default {
  fetch: async (request) => Response.json(await decide(await request.json())),
}
