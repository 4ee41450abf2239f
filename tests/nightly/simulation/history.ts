import { CachePartition } from '../../../src/memory/partition.ts'
import { Memory, Parts } from '../../../src/memory/parts.ts'
import { SharedCalls } from '../../../src/core/asking/shared-calls.ts'
import { createCheck, createFacts } from '../../../src/core/request/check.ts'
import { RedisStore } from '../../../src/redis/store.ts'
import { Servers } from './servers.ts'
import { Dice, Process, World } from './world.ts'
import type { CallStart } from '../../../src/core/asking/call-state.ts'
import type { ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

/** One history of the protocol: instances, an endpoint that changes its mind, and faults. */

const REVOCATION_MS = 1000
const DURATION_MS = 12_000
const TOKEN = 'token'
const SECRET = 'a secret of the operator, 32 bytes or more'

/** A version of the answer of the endpoint, counted from 0. It allows even versions. */
interface Announced {
  readonly version: number
  readonly at: number
}

/** The settings that differ between histories. */
interface Setting {
  readonly allowTtlMs: number
  readonly maxSkewMs: number
  /** The part of changes that are not announced. */
  readonly unannounced: number
}

/** The knowledge of an instance when a request began. */
interface Seen {
  readonly told: number
  readonly revoked: number
}

class Instance {
  readonly process: Process
  readonly store: RedisStore
  readonly #world: World
  readonly #cache: CachePartition
  readonly #memory: Parts
  readonly #calls: SharedCalls
  readonly #setting: Setting
  /** The newest answer of the endpoint to each question. */
  readonly #told = new Map<string, number>()
  /** The newest revocation of its own. */
  #revoked = -1

  constructor(
    world: World,
    dice: Dice,
    servers: Servers,
    askEndpoint: (process: Process) => Promise<number>,
    setting: Setting,
  ) {
    this.#setting = setting
    this.#world = world
    this.process = new Process(world, dice, dice.between(-setting.maxSkewMs, setting.maxSkewMs))
    const settings = {
      prefix: 'p:',
      database: 0,
      revocationMs: REVOCATION_MS,
      lostPushTtlMs: REVOCATION_MS,
      timeoutMs: 50,
      secrets: [SECRET],
      scope: undefined,
    }
    this.store = new RedisStore(settings, servers.engineFor(this.process), this.process)
    this.store.start('history', () => undefined)
    const times = { allowTtlMs: setting.allowTtlMs, denyTtlMs: 5000, staleIfErrorMs: 0 }
    const memory = new Memory({ ...times, maxEntries: 100 }, this.process, this.store)
    this.#memory = new Parts(memory)
    this.#cache = new CachePartition(memory, { common: '', own: '' }, () => this.#memory)
    const run = async ({ check: { told } }: CallStart): Promise<ParsedVerdict> => {
      const version = await askEndpoint(this.process)
      this.#told.set(told, Math.max(version, this.#toldOf(told)))
      return verdictOf(version)
    }
    this.#calls = new SharedCalls({
      run,
      timeoutMs: 5000,
      clock: this.process,
      memory: this.#cache,
      partition: this.#cache,
    })
  }

  #toldOf(told: string): number {
    return this.#told.get(told) ?? -1
  }

  seen(told: string): Seen {
    return { told: this.#toldOf(told), revoked: this.#revoked }
  }

  /** The version that a request is admitted by, or `undefined`. */
  async request(told: string): Promise<number | undefined> {
    const hit = this.#cache.lookUp(TOKEN, told)
    if (hit !== undefined) return versionOf(hit.auth?.principal)
    const question = { token: TOKEN, request: { path: '', headers: {}, params: {} } }
    const check = createCheck(question, told, [])
    const verdict = await this.#calls.ask(check, createFacts(), this.process.now())
    return verdict.outcome === 'allow' ? versionOf(verdict.auth.principal) : undefined
  }

  /** Resolves with the time at which the engine had acknowledged it, or `undefined`. */
  async revoke(version: number, isAll: boolean): Promise<number | undefined> {
    this.#memory.forget(TOKEN)
    const announced = this.store.invalidate(
      isAll ? 'all' : { token: TOKEN },
      this.#setting.allowTtlMs,
    )
    this.#revoked = version
    try {
      await announced
      return this.#world.time
    } catch {
      return undefined
    }
  }
}

/** Runs a history. Returns what went wrong, or `undefined`. */
export async function runHistory(seed: number): Promise<string | undefined> {
  const dice = new Dice(seed)
  const world = new World()
  const servers = new Servers(world, dice)
  let version = 0
  const changedAt = [0]
  let acknowledged: Announced[] = []
  let violation: string | undefined
  const askEndpoint = (process: Process): Promise<number> =>
    new Promise((resolve) => {
      world.at(world.time + dice.between(0.5, 20), () => {
        const answer = version
        const slowestMs = dice.pick([5, 5, 20, 20, 20, 400, 2500])
        process.schedule(dice.between(0.5, slowestMs), () => resolve(answer))
      })
    })
  const setting: Setting = {
    allowTtlMs: dice.pick([4000, 20_000]),
    maxSkewMs: dice.pick([300, 2000]),
    unannounced: dice.pick([0.2, 0.2, 0.9]),
  }
  const instances = Array.from(
    { length: 3 },
    () => new Instance(world, dice, servers, askEndpoint, setting),
  )

  const judge = (instance: Instance, admitted: number, begunAt: number, seen: Seen): void => {
    const wrong = (what: string): void => {
      violation ??= `seed ${seed}: ${what}: version ${admitted} at ${begunAt.toFixed(0)} ms by instance ${instances.indexOf(instance)}`
    }
    const late = acknowledged.find(
      (one) => one.version > admitted && begunAt > one.at + REVOCATION_MS,
    )
    if (late !== undefined) wrong(`acknowledged at ${late.at.toFixed(0)} ms`)
    const endedAt = changedAt[admitted + 1] ?? Infinity
    const longestMs = setting.allowTtlMs + 2 * setting.maxSkewMs
    if (begunAt > endedAt + longestMs + 1) wrong('past its time to live')
    if (admitted < seen.told) wrong('older than what the endpoint told')
    if (admitted < seen.revoked) wrong('older than a revocation of its own')
  }
  const request = (instance: Instance): void => {
    const begunAt = world.time
    // New questions come up all the time, so that instances need what the others were allowed.
    const told = `question ${Math.floor(begunAt / 1000) + dice.pick([0, 0, 1, 2])}`
    const seen = instance.seen(told)
    const end = (admitted: number | undefined): void => {
      if (admitted !== undefined) judge(instance, admitted, begunAt, seen)
    }
    void instance.request(told).then(end, ignoreTimeout)
  }
  const announce = (): void => {
    const instance = dice.pick(instances)
    instance.process.schedule(0, () => {
      const isUnannounced = dice.isHit(setting.unannounced)
      const isAll = dice.isHit(0.1)
      version += 1
      changedAt[version] = world.time
      const announced = version
      if (isUnannounced) return
      const acknowledge = (at: number | undefined): void => {
        if (at !== undefined) acknowledged = [...acknowledged, { version: announced, at }]
      }
      void instance.revoke(announced, isAll).then(acknowledge)
    })
  }

  // A clock that stops and another that is set at the same time can agree by chance, which no process can notice.
  const isSuspended = dice.isHit(0.5)
  let snapshot = servers.snapshot()
  const faults: (() => void)[] = [
    () => servers.pause(dice.between(100, 4000)),
    () => servers.failOver(false),
    () => servers.failOver(true),
    () => servers.restart(),
    () => servers.restart(snapshot),
    () => (snapshot = servers.snapshot()),
    () => servers.evict(),
    () => servers.flush(),
    () => servers.fill(dice.between(100, 2000)),
    () => dice.pick(instances).process.freeze(dice.between(100, 3500), isSuspended),
    () =>
      isSuspended ||
      dice.pick(instances).process.setWallSkew(dice.between(-setting.maxSkewMs, setting.maxSkewMs)),
    () => servers.someConnections().forEach((connection) => connection.reset()),
    () =>
      servers.someConnections().forEach((connection) => {
        connection.stalledUntil = dice.isHit(0.5) ? Infinity : world.time + dice.between(50, 2500)
      }),
  ]

  for (const instance of instances) {
    for (let at = 0; at < DURATION_MS; at += dice.between(5, dice.isHit(0.1) ? 800 : 60)) {
      world.at(at, () => instance.process.schedule(0, () => request(instance)))
    }
  }
  for (let at = 300; at < DURATION_MS; at += dice.between(200, 2500)) world.at(at, announce)
  for (let at = 200; at < DURATION_MS; at += dice.between(100, 2000)) {
    world.at(at, () => dice.pick(faults)())
  }
  await world.runUntil(DURATION_MS + 1000)
  instances.forEach(({ store }) => store.stop())
  return violation
}

function ignoreTimeout(error: unknown): void {
  if (!(error instanceof Error) || error.name !== 'AuthUnavailableError') throw error
}

function verdictOf(version: number): ParsedVerdict {
  if (version % 2 === 1) return { outcome: 'deny', isLasting: true }
  return { outcome: 'allow', auth: { principal: String(version), attributes: {} } }
}

function versionOf(principal: string | undefined): number | undefined {
  return principal === undefined ? undefined : Number(principal)
}
