import { createClient } from '@redis/client'
import { startEngine } from '../support/redis-servers.ts'
import { startFleet } from './fleet.ts'
import { startProxy } from './proxy.ts'
import type { EngineName, EngineOptions, RunningEngine } from '../support/redis-servers.ts'
import type { Fleet } from './fleet.ts'
import type { Proxy } from './proxy.ts'

export const TOKEN = 'token-of-alice-0123456789abcdef'
export const SECRET = 'a secret of at least thirty-two bytes'

/** Engines, proxies and instances that end together. */
export interface Scene {
  readonly engine: (options?: EngineOptions) => Promise<RunningEngine>
  readonly proxy: (engine: RunningEngine) => Promise<Proxy>
  /** Instances that share decisions, unless told otherwise. */
  readonly fleet: (urls: string | readonly string[], store?: object) => Promise<Fleet>
  readonly stop: () => Promise<void>
}

export function createScene(name: EngineName): Scene {
  const stops: (() => Promise<unknown>)[] = []
  async function keep<Part extends { stop: () => Promise<unknown> }>(
    starting: Promise<Part>,
  ): Promise<Part> {
    const part = await starting
    stops.unshift(part.stop)
    return part
  }
  return {
    engine: (options) => keep(startEngine(name, options)),
    proxy: ({ port }) => keep(startProxy(port)),
    fleet: (urls, store = { shareVerdicts: true, secret: SECRET }) =>
      keep(startFleet({ urls: [urls].flat(), tokens: [TOKEN], store })),
    stop: async () => {
      for (const stop of stops) await stop()
    },
  }
}

/** Sends a command to an engine as an operator does. */
export async function send({ url }: RunningEngine, ...command: string[]): Promise<unknown> {
  const client = await createClient({ url }).connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}
