import { resolveConfig } from '../../core/config/parse.ts'
import { peerAddressOf } from './client-address.ts'
import { describeRevocation, revocationBounds } from '../revocation-bounds.ts'
import { startLiveGuard } from './live-guard.ts'
import type { Attach, FetchHandler } from '../serving/serve.ts'
import type { Service } from '../serving/service.ts'
import type { LiveGuard, LiveGuardOptions } from './live-guard.ts'

interface ServeOptions extends Omit<LiveGuardOptions, 'log' | 'followKeys'> {
  /** The name of the command. */
  readonly name: string
  /** Makes the handler in front of the guard. */
  readonly createFront: (guard: LiveGuard) => FetchHandler
  readonly attach?: Attach
}

/** Starts a guard, and serves what is in front of it until a stop signal. */
export async function serveGuard(service: Service, options: ServeOptions): Promise<void> {
  const { log, followKeys } = service
  const guard = await startLiveGuard({ ...options, log, followKeys })
  const announce = (url: string): void => announceGuard(url, guard, service, options)
  try {
    await service.run(options.createFront(guard), announce, options.attach)
  } finally {
    guard.stop()
  }
}

/** Says where a command listens and for how long a revoked key works. */
function announceGuard(
  url: string,
  guard: LiveGuard,
  { log }: Service,
  { name, line, surroundings }: ServeOptions,
): void {
  const config = guard.config()
  const resolved = resolveConfig(config, peerAddressOf)
  if (resolved.verifier?.members.some(({ trustsNetwork }) => trustsNetwork)) {
    const message = `A provider trusts its network, and is not asked about a random key: whoever reaches the ${name} can name any caller`
    log({ type: 'warning', message })
  }
  log({ type: 'listening', url, ...revocationBounds(resolved) })
  // Programs read the output, and not this.
  if (line.has('json')) return
  surroundings.note(`with-auth: ${name} on ${url} (${describeRevocation(resolved)})\n`)
}
