import { createAuthenticator } from '../core/authenticator.ts'
import { requireNode } from './node-version.ts'
import type { Authenticator } from '../core/authenticator.ts'
import type { AuthConfigSource } from '../core/auth-config.ts'
import type { NodeRequest } from './header-only-request.ts'

/** Makes an authenticator whose `context.clientAddress` gets the request of Node's own server, and so its connection. */
export function createIncomingAuthenticator(
  config: AuthConfigSource<[]> | undefined,
): Authenticator<readonly [NodeRequest]> {
  requireNode()
  // A config function takes nothing: a parameter with a default must not become the request.
  return createAuthenticator(typeof config === 'function' ? () => config() : config)
}
