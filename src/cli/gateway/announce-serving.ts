import { resolveConfig } from '../../core/config/parse.ts'
import { membersOf } from '../../verifiers/first-of/first-of.ts'
import { trustsNetwork } from '../../verifiers/trusts-network.ts'
import { describeRevocation, revocationBounds } from '../revocation-bounds.ts'
import type { DecisionLog } from '../log.ts'
import type { EquippedConfig } from './transport.ts'

interface Output {
  readonly log: DecisionLog
  /** `undefined` if programs read the output. */
  readonly note: ((text: string) => void) | undefined
}

/** Says where a command listens, for how long a revoked key works, and how the endpoint is called. */
export function announceServing(
  name: string,
  url: string,
  { config, asksOver, whyFetch }: EquippedConfig,
  { log, note }: Output,
): void {
  const resolved = resolveConfig(config)
  if (config.verifier !== undefined && membersOf(config.verifier).some(trustsNetwork)) {
    const message = `A provider trusts its network, and is not asked about a random key: whoever reaches the ${name} can name any caller`
    log({ type: 'warning', message })
  }
  log({ type: 'listening', url, ...revocationBounds(resolved), asksOver, whyFetch })
  const asking = asksOver === undefined ? '' : `; the endpoint is called over ${asksOver}`
  note?.(`with-auth: ${name} on ${url} (${describeRevocation(resolved)}${asking})\n`)
  if (whyFetch !== undefined) note?.(`with-auth: checks over fetch are slower. ${whyFetch}\n`)
}
