// Tells who calls, by the identity that a gateway signed, and by which version of the signature.
import { getAuth, withAuth } from 'with-auth'
import { fromUpstream } from 'with-auth/verifiers'

// As an object: Workers take no function. The secret is the one of signed-gateway.js.
export default withAuth(
  {
    fetch: (request) => {
      const [, signedBy] = /,(v\d)=/.exec(request.headers.get('x-auth-signature')) ?? []
      return Response.json({ ...getAuth(request), signedBy })
    },
  },
  fromUpstream({
    principalHeader: 'x-auth-principal',
    proof: { signature: 'x-auth-signature', secret: '0123456789abcdef0123456789abcdef' },
  }),
)
