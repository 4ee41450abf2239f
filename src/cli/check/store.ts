import { within } from '../../core/async.ts'
import { codeOf, createEngine } from '../../redis/client.ts'
import { reasonOf } from '../../redis/engine.ts'
import { loadClient } from '../../redis/load-client.ts'
import { createNames } from '../../redis/names.ts'
import { parseStoreOptions } from '../../redis/options.ts'
import { ADVICE } from '../../redis/store.ts'
import { withFiles } from '../../yaml/cache-section.ts'
import { adviceOnCause } from '../explain/change.ts'
import { showDuration } from '../explain/shown-fact.ts'
import { LASTING } from './ask.ts'
import { error, ok, outage } from './finding.ts'
import type { ClientFactory, RedisClient } from '../../redis/client.ts'
import type { Names } from '../../redis/names.ts'
import type { Finding, Place } from './finding.ts'

/** A command with its first arguments. */
type Wanted = readonly [command: string, ...args: string[]]

/** Connects as an instance does, and asks what it may do. Nothing is written. */
export async function checkStore(
  section: unknown,
  place: Place,
  timeoutMs: number,
): Promise<readonly Finding[]> {
  const clients: RedisClient[] = []
  const create = loadClient()
  const client: ClientFactory = (options) => {
    const made = create(options)
    clients.push(made)
    return made
  }
  const { settings, engine } = parseStoreOptions({ ...Object(withFiles(section)), client })
  const { prefix, database, secrets } = settings
  const names = createNames(prefix, database)
  const link = createEngine(engine).open({
    channels: [names.bus, names.own(CHECK).channel],
    onMessage: () => undefined,
    onClose: () => undefined,
  })
  const ready = link.ready.then(() => 'ready', reasonOf)
  try {
    const reason = (await within(timeoutMs, ready)) ?? 'timeout'
    const [commands] = clients
    const isIn = reason === 'ready' || reason === 'NOPERM'
    if (!isIn || commands === undefined) return [describe(reason, place, timeoutMs)]
    const wanted = commandsOf(names, secrets.length > 0)
    const lacking = await within(timeoutMs, findLacking(commands, wanted))
    if (lacking === undefined) return [describe('timeout', place, timeoutMs)]
    return [judge(lacking, reason, place, prefix)]
  } finally {
    link.close()
  }
}

/** Stands for the instance in the names of keys and channels. */
const CHECK = 'check'

function commandsOf(names: Names, isShared: boolean): readonly Wanted[] {
  const { key, channel } = names.own(CHECK)
  const fence = names.fence('all').key
  const value = names.value(CHECK)
  const shared: readonly Wanted[] = [
    ['MGET', fence, value],
    ['SET', value, '', 'PX', '1000'],
  ]
  return [
    ['SET', fence, ''],
    ['SET', key, '', 'PX', '1000'],
    ['PUBLISH', names.bus, ''],
    ['PUBLISH', channel, ''],
    ['SUBSCRIBE', names.bus],
    ['SUBSCRIBE', channel],
    ...(isShared ? shared : []),
  ]
}

interface Lacking {
  readonly wanted: Wanted
  /** Why the engine refuses it, such as `NOPERM`. */
  readonly code: string
}

/**
 * Asks for each command in a transaction that is never executed: the engine checks the rights of a command when it queues it. Any
 * other reply ends the questions, since the next command could be executed.
 */
async function findLacking(
  client: RedisClient,
  wanted: readonly Wanted[],
): Promise<readonly Lacking[]> {
  const lacking: Lacking[] = []
  const ask = async (one: Wanted): Promise<unknown> => {
    try {
      return await client.sendCommand(one)
    } catch (thrown) {
      lacking.push({ wanted: one, code: codeOf(thrown) })
      return DENIED
    }
  }
  if ((await ask(['MULTI'])) !== 'OK') return lacking
  // This transaction only reads. It is over in any case.
  const isRead = (await ask(['INFO', 'replication'])) !== DENIED
  const isOver = (await ask(['EXEC'])) !== DENIED
  // A refused command ends it too.
  if (!isOver && !isRead) lacking.pop()
  if ((await ask(['MULTI'])) !== 'OK') return lacking
  for (const one of wanted) {
    const reply = await ask(one)
    if (reply !== 'QUEUED' && reply !== DENIED) return lacking
  }
  return lacking
}

const DENIED = Symbol('denied')
/** The transaction was ended because of its last command. */
const ABORTED = 'EXECABORT'

function judge(lacking: readonly Lacking[], reason: string, place: Place, prefix: string): Finding {
  const isDenied = ({ code }: Lacking): boolean => code === 'NOPERM' || code === ABORTED
  const other = lacking.find((one) => !isDenied(one))
  // A client whose first command is refused closes, and can ask nothing more.
  if (other !== undefined) return describe(reason === 'ready' ? other.code : reason, place, 0)
  if (lacking.length === 0 && reason === 'ready') {
    const says = `The store lets this server in: it may write, publish and subscribe below ${JSON.stringify(prefix)}.`
    return ok(place, says)
  }
  const rights = lacking.map(({ wanted: [command, target = ''] }) => `${command} ${target}`.trim())
  const named = rights.length === 0 ? 'INFO' : rights.join(', ')
  const says = `The user of the store may not use all commands that are needed. It lacks: ${named}.`
  return error(place, says, 'Give it the rights of the ACL in the documentation.')
}

function describe(reason: string, place: Place, timeoutMs: number): Finding {
  if (reason === 'timeout') {
    const says = `The store did not answer within ${showDuration(timeoutMs)}.`
    return outage(place, says, adviceOnCause('timeout', undefined))
  }
  const advice = Object.hasOwn(ADVICE, reason) ? ADVICE[reason] : undefined
  if (advice !== undefined) return error(place, `The store cannot be used: ${advice}.`)
  const make = LASTING.test(reason) ? error : outage
  return make(
    place,
    `The store cannot be reached (${reason}).`,
    adviceOnCause('unreachable', reason),
  )
}
