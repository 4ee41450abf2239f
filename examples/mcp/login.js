// npm install oidc-provider && node login.js
import { Provider } from 'oidc-provider'

const { ISSUER: issuer = 'http://localhost:4000' } = process.env
const scope = 'notes:read notes:write'

// For trying out: it takes any name and any password, and forgets all when it ends.
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'notes-app',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: ['http://127.0.0.1:8976/callback'],
    },
  ],
  features: {
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (_, audience) => ({ audience, scope, accessTokenFormat: 'jwt' }),
    },
  },
})
provider.listen(new URL(issuer).port, () => console.log(`Listening on ${issuer}/`))
