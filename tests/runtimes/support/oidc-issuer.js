// Serves oidc-provider as an issuer. A token is for the API in `resource`, and signed by the algorithm that this ends with,
// else by RS256. `POST /token` of the client `app` gives one. `notes-app` stands for an application whose users log in, with
// any name. `POST /rotate` adds a key of each kind before the others, so that it signs from then on.
import { once } from 'node:events'
import { createServer } from 'node:http'
import process from 'node:process'
import { Provider } from 'oidc-provider'

const KINDS = {
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  PS256: {
    name: 'RSA-PSS',
    hash: 'SHA-256',
    modulusLength: 2048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
  ES256: { name: 'ECDSA', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
}

let keys = []
let handle

async function createKey(alg) {
  const { privateKey } = await crypto.subtle.generateKey(KINDS[alg], true, ['sign', 'verify'])
  const { key_ops: _ops, ext: _ext, ...jwk } = await crypto.subtle.exportKey('jwk', privateKey)
  return { ...jwk, alg, use: 'sig', kid: crypto.randomUUID() }
}

// oidc-provider cannot be given other keys later.
async function rotate(issuer) {
  keys = [...(await Promise.all(Object.keys(KINDS).map(createKey))), ...keys]
  const provider = new Provider(issuer, {
    jwks: { keys },
    // An application can register for these alone.
    scopes: ['notes:read', 'notes:write'],
    // Otherwise an application in a browser gets no token.
    clientBasedCORS: () => true,
    clients: [
      {
        client_id: 'app',
        client_secret: 'a secret of the client',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
      {
        client_id: 'notes-app',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: ['http://127.0.0.1/callback'],
      },
    ],
    features: {
      clientCredentials: { enabled: true },
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: 'read write notes:read notes:write',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: Object.keys(KINDS).find((alg) => resource.endsWith(`:${alg}`)) } },
        }),
      },
    },
  })
  handle = provider.callback()
}

const server = createServer((request, response) => {
  if (request.url === '/rotate') void rotate(issuer).then(() => response.end())
  else handle(request, response)
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
const issuer = `http://127.0.0.1:${server.address().port}`
await rotate(issuer)
process.stdout.write(`${issuer}/\n`)
