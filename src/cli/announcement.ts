import { PartitionedCache } from '../core/seams.ts'
import { loadConfig } from '../yaml.ts'
import { nameFlag } from './errors.ts'
import { showFile } from './shown-value.ts'
import type { DecisionStore, Revocation } from '../core/seams.ts'
import type { NoticeEvent, StoreEvent } from '../core/types.ts'
import type { RetiredKey } from '../keys.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'

export const ANNOUNCE_OPTION: OptionSpecs = {
  config: {
    value: 'FILE',
    help: 'a run.yaml with server.auth.store: end cached decisions about the key in all instances',
  },
}

/** Announces that keys end. An error says what is `done` already. */
export type Announce = (keys: readonly RetiredKey[], done: string) => Promise<void>

/** How long the store has for its acknowledgement. */
export const ANNOUNCE_MS = 10_000
const MOST_KEYS = 1024

/** The store of a run.yaml. Rejects if the file has none. */
export async function loadStore(file: string): Promise<DecisionStore> {
  // No request is decided here, so it does not matter whether the upstream enforces the policy.
  const options = { accessPolicy: 'upstream' } as const
  const { cache } = await loadConfig(file, options).catch(nameFlag('--config', file))
  const store = cache instanceof PartitionedCache ? cache.store : undefined
  if (store !== undefined) return store
  const advice = 'without it no instance can be told'
  throw new Error(`--config ${showFile(file)}: it has no server.auth.store, and ${advice}`)
}

/** Reads `--config` before anything is changed. Without the option nothing is announced. */
export async function prepareAnnouncement(line: CommandLine): Promise<Announce> {
  const file = line.text('config')
  if (file === undefined) return async () => undefined
  const store = await loadStore(file)
  return async (keys, done) => {
    if (keys.length === 0) return
    const revocations = keys.length > MOST_KEYS ? ['all' as const] : keys.map(revocationOf)
    const again = `with-auth revoke --config ${showFile(file)} --all`
    await announce(store, revocations, `${done}. To announce it again, run "${again}"`)
  }
}

/** Resolves once the store has the revocations, and stops the store. */
export async function announce(
  store: DecisionStore,
  revocations: readonly Revocation[],
  advice: string,
  timeoutMs: number = ANNOUNCE_MS,
): Promise<void> {
  let cause = 'no answer in time'
  let warning = ''
  const listen = (event: StoreEvent | NoticeEvent): void => {
    if (event.type === 'store') cause = event.cause ?? cause
    if (event.type === 'warning') warning = `. ${event.message}`
  }
  store.start('announcement', listen)
  try {
    await Promise.all(revocations.map((revocation) => store.invalidate(revocation, timeoutMs)))
  } catch {
    // A new listener is told why the store is lost. The last event may only have said that there is no connection.
    store.start('failure', listen)
    const reason = `The store has not acknowledged the revocation (${cause})${warning}`
    throw new Error(`${reason}. ${advice}`)
  } finally {
    store.stop()
  }
}

// The row of a removed key may have had no valid hash.
function revocationOf({ sha256 }: RetiredKey): Revocation {
  return sha256 === '' ? 'all' : { sha256 }
}
