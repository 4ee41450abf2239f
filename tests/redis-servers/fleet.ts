import { setTimeout as pause } from 'node:timers/promises'
import { endChild, startChild } from '../soak/child.ts'
import { startEndpointWithKeys } from '../support/auth-endpoint.ts'
import { ensureBuilt } from '../support/built-package.ts'
import type { Child } from '../soak/child.ts'

/** Processes of the package that share an engine and an endpoint. Times are in milliseconds of the machine's clock. */
export interface Fleet {
  /** The endpoint rejects the token from now on. */
  readonly deny: (token: string) => number
  readonly allow: (token: string) => void
  /** One instance is told, about one token or all. Resolves with the time at which its promise resolved. */
  readonly revoke: (token?: string) => Promise<number>
  /** When the last request that any instance allowed began. */
  readonly lastAllow: (token: string) => Promise<number>
  /** Waits until each instance has rejected, or allowed, a request that began later. */
  readonly rejected: (token: string, since: number) => Promise<void>
  readonly allowed: (token: string, since: number) => Promise<void>
  /** Waits until each instance has its lease, for the first time or again. */
  readonly live: () => Promise<void>
  readonly reports: () => Promise<readonly Report[]>
  readonly signal: (instance: number, signal: NodeJS.Signals) => void
  /** Starts one more instance, which was never told anything. */
  readonly grow: () => Promise<void>
  readonly stop: () => Promise<void>
}

interface Report {
  readonly seen: Readonly<Record<string, Seen>>
  readonly states: readonly string[]
  /** How many decisions came from another instance. */
  readonly taken: number
}

interface Seen {
  readonly allowedAt: number
  readonly deniedAt: number
}

export interface FleetOptions {
  /** Of the engine, for one instance after the other. */
  readonly urls: readonly string[]
  readonly tokens: readonly string[]
  readonly store?: object
}

export const REVOCATION_MS = 1000

const WAIT_MS = 20_000
const TIMES = { allowTtlMs: 600_000, denyTtlMs: 500 }

export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Starts the endpoint and the instances, and waits until each is connected and allows all tokens. */
export async function startFleet({ urls, tokens, store }: FleetOptions): Promise<Fleet> {
  ensureBuilt()
  const callers = Object.fromEntries(tokens.map((token) => [token, 'alice']))
  const endpoint = await startEndpointWithKeys(callers)
  const start = (index: number): Promise<Child> => {
    const url = urls[index % urls.length]
    const settings = {
      endpoint: endpoint.url,
      tokens,
      store: { url, revocationMs: REVOCATION_MS, ...store },
      times: TIMES,
    }
    return startChild('../redis-servers/instance.js', [JSON.stringify(settings)])
  }
  const children = await Promise.all([0, 1, 2].map(start))
  const childAt = (index: number): Child => {
    const child = children[index]
    if (child === undefined) throw new Error(`There is no instance ${index}`)
    return child
  }
  const reports = (): Promise<Report[]> =>
    Promise.all(children.map((child) => ask<Report>(child, 'report')))
  const all = (token: string, since: number, key: 'allowedAt' | 'deniedAt'): Promise<void> =>
    until(`each instance has a later ${key}`, async () =>
      (await reports()).every(({ seen }) => (seen[token] ?? NOTHING_SEEN)[key] > since),
    )
  const fleet: Fleet = {
    deny: (token) => {
      endpoint.revoke(token)
      return now()
    },
    allow: (token) => void endpoint.allow(token, 'alice'),
    revoke: (token) => ask(childAt(0), 'revoke', token),
    lastAllow: async (token) =>
      Math.max(...(await reports()).map(({ seen }) => seen[token]?.allowedAt ?? 0)),
    rejected: (token, since) => all(token, since, 'deniedAt'),
    allowed: (token, since) => all(token, since, 'allowedAt'),
    // Revocations have states of their own.
    live: () =>
      until('each instance is live', async () =>
        (await reports()).every(
          ({ states }) => states.lastIndexOf('live') > states.lastIndexOf('lost'),
        ),
      ),
    reports,
    signal: (index, signal) => void childAt(index).process.kill(signal),
    grow: async () => void children.push(await start(children.length)),
    stop: async () => {
      await Promise.all(children.map((child) => endChild(child, 'SIGKILL')))
      await endpoint.close()
    },
  }
  await fleet.live()
  await Promise.all(tokens.map((token) => fleet.allowed(token, 0)))
  return fleet
}

const NOTHING_SEEN: Seen = { allowedAt: 0, deniedAt: 0 }

let count = 0

async function ask<Result>(child: Child, command: string, token?: string): Promise<Result> {
  count += 1
  const id = count
  return new Promise((resolve, reject) => {
    const answer = (message: { id: number; result: Result; error?: string }): void => {
      if (message.id !== id) return
      child.process.off('message', answer)
      if (message.error === undefined) resolve(message.result)
      else reject(new Error(message.error))
    }
    child.process.on('message', answer)
    child.process.send({ id, command, token })
  })
}

export async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  const end = now() + WAIT_MS
  while (!(await isTrue())) {
    if (now() > end) throw new Error(`Not after ${WAIT_MS} ms: ${what}`)
    await pause(20)
  }
}

/** Until the promise about a time has come true, and later requests had their chance to be wrong. */
export async function waitOut(since: number): Promise<void> {
  await pause(Math.max(0, since + 1.5 * REVOCATION_MS - now()))
}
