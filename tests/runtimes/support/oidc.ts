import { join } from 'node:path'
import { findNode } from './binaries.ts'
import { startServer } from './server-process.ts'
import type { RunningServer } from './server-process.ts'

/** The npm package oidc-provider, an OpenID-certified issuer. */
export function startOidcIssuer(app: string): Promise<RunningServer> {
  const args = [join(import.meta.dirname, 'oidc-issuer.js')]
  return startServer({ binary: findNode('24'), args, cwd: app, env: {} })
}

/** A token for the API `resource`, without a user. */
export async function issueToken(
  issuer: RunningServer,
  resource: string,
  scope = 'read',
): Promise<string> {
  const response = await fetch(`${issuer.url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('app:a+secret+of+the+client')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource, scope }),
  })
  const { access_token: token } = (await response.json()) as { access_token: string }
  return token
}
