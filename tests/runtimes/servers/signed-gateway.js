// A gateway that signs the identity for signed-behind.js.
import { withAuth } from 'with-auth'
import { createGateway } from 'with-auth/gateway'
import { encoding, upstream } from './signed-upstream.js'

// As an object: Workers take no function.
export default withAuth(
  {
    fetch: createGateway({
      upstream,
      sign: { secret: '0123456789abcdef0123456789abcdef' },
      identityHeaders: { encoding },
    }),
  },
  {
    verifier: () => ({
      outcome: 'allow',
      principal: 'José, a%20b',
      tenant: 'acme',
      attributes: { roles: ['größe'] },
    }),
  },
)
