import { checkEntrant, checkResult } from './check.ts'
import { readUsage } from './support/process-usage.ts'
import { startEntrants } from './support/entrants.ts'
import { sendLoad } from './support/wrk.ts'
import type { Match } from './matches.ts'
import type { Endpoint } from './support/endpoint.ts'
import type { Entrant } from './support/entrants.ts'
import type { RuntimeId } from './support/runtimes.ts'

export interface Effort {
  readonly rounds: number
  readonly seconds: number
}

const LONGEST_WARM_UP_SECONDS = 16

/** The values of one contestant in one round. */
export interface Sample {
  readonly perSecond: number
  readonly cpuMicroseconds: number
  readonly p50: number
  readonly p99: number
  readonly callsPerRequest: number
  /** The share of one core that the endpoint used. */
  readonly endpointLoad: number
}

export interface Measured {
  readonly name: string
  readonly servedBy: string
  readonly residentBytes: number
  readonly samples: readonly Sample[]
}

/** Starts and checks the contestants of a match, and measures them in turn: A B C, A B C, ... */
export async function measure(
  match: Match,
  runtime: RuntimeId,
  app: string,
  endpoint: Endpoint,
  { rounds, seconds }: Effort,
): Promise<Measured[]> {
  const entrants = await startEntrants(match, runtime, app, endpoint)
  try {
    for (const entrant of entrants) {
      await checkEntrant(entrant, endpoint)
      await warmUp(entrant, seconds)
    }
    const taken: Sample[][] = []
    for (let round = 0; round < rounds; round += 1) {
      taken.push(await measureRound(entrants, endpoint, seconds))
    }
    return entrants.map(({ contestant, servedBy, pid }, index) => ({
      name: contestant.name,
      servedBy,
      residentBytes: readUsage(pid).residentBytes,
      samples: taken.flatMap((round) => round[index] ?? []),
    }))
  } finally {
    await Promise.all(entrants.map(({ stop }) => stop()))
  }
}

async function measureRound(
  entrants: readonly Entrant[],
  endpoint: Endpoint,
  seconds: number,
): Promise<Sample[]> {
  const samples: Sample[] = []
  for (const entrant of entrants) {
    samples.push(await measureOnce(entrant, endpoint, seconds))
  }
  return samples
}

// Long enough to visit each of the 10,000 tokens.
async function warmUp(entrant: Entrant, seconds: number): Promise<void> {
  const { url, load } = entrant
  const { requests } = await sendLoad(url, load, seconds)
  if (load.tokens !== 'many' || requests > 10_000 + load.connections) return
  if (seconds > LONGEST_WARM_UP_SECONDS) throw new Error('Too slow for 10,000 tokens')
  await warmUp(entrant, 2 * seconds)
}

async function measureOnce(entrant: Entrant, endpoint: Endpoint, seconds: number): Promise<Sample> {
  const callsBefore = await endpoint.calls()
  const endpointBefore = endpoint.cpuMicroseconds()
  const before = readUsage(entrant.pid).cpuMicroseconds
  const result = await sendLoad(entrant.url, entrant.load, seconds)
  const used = readUsage(entrant.pid).cpuMicroseconds - before
  const endpointUsed = endpoint.cpuMicroseconds() - endpointBefore
  const calls = (await endpoint.calls()) - callsBefore
  checkResult(entrant, result, calls)
  return {
    perSecond: (result.requests * 1e6) / result.microseconds,
    cpuMicroseconds: used / result.requests,
    p50: result.p50,
    p99: result.p99,
    callsPerRequest: calls / result.requests,
    endpointLoad: endpointUsed / result.microseconds,
  }
}
