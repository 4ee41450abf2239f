import { refuseUpgrade } from './upgrade-refusal.ts'
import type { Duplex } from 'node:stream'
import type { AuthenticationResult } from '../core/authenticator.ts'
import type { Auth } from '../core/types.ts'

/** Lets an admitted upgrade proceed, and rejects every other. */
export async function enterUpgrade(
  deciding: Promise<AuthenticationResult>,
  socket: Duplex,
  proceed: (auth: Auth | undefined) => unknown,
): Promise<void> {
  // Node has removed its own listener, so a reset during the check would end the process.
  socket.on('error', destroy)
  const result = await deciding
  if (!result.ok) return refuseUpgrade(socket, result.response)
  // A destroyed socket may still emit its error, so the listener stays.
  if (socket.destroyed) return
  socket.off('error', destroy)
  proceed(result.auth)
}

function destroy(this: Duplex): void {
  this.destroy()
}
