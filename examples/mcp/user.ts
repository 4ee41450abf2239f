// The user of client.ts, who logs in with a browser. The tokens are forgotten when the program ends.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type * as mcp from '@modelcontextprotocol/client'

const kept: { tokens?: mcp.OAuthTokens; verifier?: string; found?: mcp.OAuthDiscoveryState } = {}
export const user: mcp.OAuthClientProvider = {
  redirectUrl: 'http://127.0.0.1:8976/callback',
  clientMetadata: { redirect_uris: ['http://127.0.0.1:8976/callback'] },
  clientInformation: () => ({ client_id: 'notes-app' }),
  tokens: () => kept.tokens,
  saveTokens: (tokens) => void (kept.tokens = tokens),
  codeVerifier: () => kept.verifier ?? '',
  saveCodeVerifier: (verifier) => void (kept.verifier = verifier),
  discoveryState: () => kept.found,
  saveDiscoveryState: (found) => void (kept.found = found),
  redirectToAuthorization: (url) => console.log(`Log in: ${url}`),
}
export async function returned(): Promise<URLSearchParams> {
  const server = createServer((_, response) => response.end('Done')).listen(8976, '127.0.0.1')
  const [{ url }] = await once(server, 'request')
  server.close()
  return new URL(url, user.redirectUrl).searchParams
}
