import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { endChild, startChild } from './child.ts'
import { startFaultyEndpoint } from './faults.ts'
import { footprintOf, growthPerTenMinutes } from './footprint.ts'
import { createJudge } from './judge.ts'
import { createKeys } from './keys.ts'
import { followLedger } from './ledger.ts'
import { startLoad } from './load.ts'
import type { Child } from './child.ts'
import type { FaultyEndpoint } from './faults.ts'
import type { Footprint } from './footprint.ts'
import type { Promises } from './judge.ts'
import type { Keys } from './keys.ts'

const MINUTES = Number(process.env['WITH_AUTH_SOAK_MINUTES'] ?? 1)
const CONNECTIONS = 48
const LEDGER_MS = 30_000
const PROMISES: Promises = {
  allowTtlMs: 2_000,
  denyTtlMs: 1_000,
  staleIfErrorMs: 6_000,
  timeoutMs: 2_000,
}
const WELL_MS = { least: 3_500, most: 6_000 }
// One minute is too short for all five kinds of fault.
const LEAST_FAULTS = MINUTES >= 10 ? 5 : 2
const MOST_KEPT_MB = 6
// One minute is too short for the resident memory to settle.
const MOST_GROWTH_MB = MINUTES >= 10 ? 1 : Infinity

type Soaked = Awaited<ReturnType<typeof soak>>

interface Reloads {
  readonly reloads: number
  readonly brokenReloads: number
  readonly events: number
  readonly memoryMb: number
}

const folder = mkdtempSync(join(tmpdir(), 'with-auth-soak-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function configText(port: number, allowTtlMs = PROMISES.allowTtlMs): string {
  return `server:
  auth:
    endpoint: http://127.0.0.1:${port}/validate
    context: { headers: [], params: none, path: false }
    cache:
      allow_ttl_ms: ${allowTtlMs}
      deny_ttl_ms: ${PROMISES.denyTtlMs}
      stale_if_error_ms: ${PROMISES.staleIfErrorMs}
    timeout_ms: ${PROMISES.timeoutMs}
    circuit_breaker: { open_ms: 500 }
    unavailable_status: 503
    realm: realm-${Math.floor(Math.random() * 1_000)}
`
}

/** Breaks the endpoint, revokes keys and reloads the config until the time is over. The cache outlives a reload. */
async function disturb(endpoint: FaultyEndpoint, keys: Keys, untilMs: number): Promise<void> {
  const config = join(folder, 'run.yaml')
  for (let turn = 0; performance.now() < untilMs; turn += 1) {
    const isReload = turn % 4 === 1
    if (isReload)
      writeFileSync(config, turn % 8 === 1 ? 'server: { auth: {' : configText(endpoint.port))
    endpoint.revoke(keys.retire())
    await pause(WELL_MS.least + Math.random() * (WELL_MS.most - WELL_MS.least))
    await endpoint.breakOnce()
    endpoint.revoke(keys.retire())
  }
}

async function soak() {
  const ledgerPath = join(folder, 'ledger')
  writeFileSync(ledgerPath, '')
  const endpoint = await startFaultyEndpoint(ledgerPath)
  writeFileSync(join(folder, 'run.yaml'), configText(endpoint.port))
  const server = await startChild('guarded-server.js', [join(folder, 'run.yaml')])
  const ledger = followLedger(ledgerPath, LEDGER_MS)
  const judge = createJudge(ledger, endpoint, PROMISES)
  const keys = createKeys()
  const footprints: Footprint[] = []
  const pid = server.process.pid ?? 0
  const begin = { port: server.port, nextKey: keys.next, answered: judge.judge }

  // The baseline is an idle server that has already served requests.
  const first = startLoad({ ...begin, connections: CONNECTIONS })
  await pause(2_000)
  await first.stop()
  const before = await idleDescriptors(pid)
  const { memoryMb } = await askCounts(server)

  const sampler = setInterval(() => footprints.push(footprintOf(pid)), 1_000)
  const load = startLoad({ ...begin, connections: CONNECTIONS })
  await disturb(endpoint, keys, performance.now() + MINUTES * 60_000)
  clearInterval(sampler)
  await load.stop()
  // Another cache section makes another cache, which is empty. The full one may keep some megabytes.
  writeFileSync(join(folder, 'run.yaml'), configText(endpoint.port, PROMISES.allowTtlMs + 1))
  const after = await idleDescriptors(pid)
  const reloads = await askCounts(server)
  await endChild(server, 'SIGTERM')
  await endpoint.close()
  ledger.close()
  return {
    sent: first.sent() + load.sent(),
    lost: [...first.lost(), ...load.lost()],
    findings: judge.findings(),
    asked: ledger.count(),
    faults: endpoint.kinds(),
    reloads,
    footprints,
    keptMb: reloads.memoryMb - memoryMb,
    idleDescriptors: { before, after },
    endedBy: server.process.signalCode,
    printed: server.printed(),
  }
}

/** The fewest descriptors within some seconds, in which idle connections to the endpoint close. */
async function idleDescriptors(pid: number): Promise<number> {
  let fewest = Infinity
  for (let look = 0; look < 12; look += 1) {
    await pause(500)
    fewest = Math.min(fewest, footprintOf(pid).descriptors)
  }
  return fewest
}

async function askCounts({ process: child }: Child): Promise<Reloads> {
  const answer = new Promise<Reloads>((resolve) => {
    child.once('message', (message) => resolve((message as { counts: Reloads }).counts))
  })
  child.send('counts')
  return answer
}

function figuresOf({ sent, faults, findings }: Soaked): object {
  return {
    minutes: MINUTES,
    connections: CONNECTIONS,
    requests: sent,
    faults: Object.values(faults).reduce((sum, count) => sum + count, 0),
    keptAsked: findings.keptAsked,
    keptServed: findings.keptServed,
  }
}

describe(`a soak of ${MINUTES} min`, () => {
  let soaked: Soaked
  beforeAll(
    async () => {
      soaked = await soak()
      const { findings, footprints, ...rest } = soaked
      const { wrong, ...counts } = findings
      const settled = footprints.slice(footprints.length / 5)
      process.stdout.write(
        `soak: ${JSON.stringify({ ...rest, ...counts, wrong: wrong.length, growthMbPer10Min: growthPerTenMinutes(settled) })}\n`,
      )
    },
    MINUTES * 60_000 + 120_000,
  )

  it('allows only on a recent verdict of the endpoint, and denies only on a denial', () => {
    expect(soaked.findings.wrong).toEqual([])
    expect(soaked.findings.allows).toBeGreaterThan(1_000)
    expect(soaked.findings.denials).toBeGreaterThan(1_000)
    expect(soaked.findings.staleAllows).toBeGreaterThan(0)
  })

  it('answers every request, and reports an outage only during one', () => {
    expect(soaked.lost).toEqual([])
    expect(soaked.findings.unexplained / soaked.sent).toBeLessThan(0.001)
  })

  it('serves cached decisions through outages', () => {
    const { keptAsked, keptServed } = soaked.findings
    expect(keptAsked).toBeGreaterThan(1_000)
    expect(keptServed / keptAsked).toBeGreaterThanOrEqual(0.999)
  })

  it('survived faults of the endpoint, good reloads and rejected reloads', () => {
    expect(Object.keys(soaked.faults).length).toBeGreaterThanOrEqual(LEAST_FAULTS)
    expect(soaked.reloads.reloads).toBeGreaterThan(0)
    expect(soaked.reloads.brokenReloads).toBeGreaterThan(0)
    expect(soaked.reloads.events).toBeGreaterThanOrEqual(soaked.sent)
  })

  it('ends without a crash, an unhandled rejection or any output', () => {
    expect(soaked.printed).toBe('')
    expect(soaked.endedBy).toBe('SIGTERM')
  })

  it('leaks no descriptors', () => {
    const { before, after } = soaked.idleDescriptors
    expect(after).toBeLessThanOrEqual(before)
  })

  it('leaks no memory', ({ task }) => {
    const settled = soaked.footprints.slice(soaked.footprints.length / 5)
    const growthMbPer10Min = growthPerTenMinutes(settled)
    expect(soaked.keptMb).toBeLessThanOrEqual(MOST_KEPT_MB)
    expect(growthMbPer10Min).toBeLessThanOrEqual(MOST_GROWTH_MB)
    task.meta.figures = { soak: { ...figuresOf(soaked), growthMbPer10Min } }
  })
})
