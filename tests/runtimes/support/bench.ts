import { join } from 'node:path'
import { startAuthEndpoint } from './auth-endpoint.ts'
import type { ProfileName } from '../profiles.ts'
import type { Runtime } from '../runtimes.ts'
import type { AuthEndpoint } from './auth-endpoint.ts'
import type { RunningServer } from './server-process.ts'

/** `stopped`: nothing listens there. `absent`: AUTH_ENDPOINT is not set. */
export type EndpointState = 'running' | 'stopped' | 'absent'

/** A server and its auth endpoint. */
export interface Setup {
  readonly server: RunningServer
  readonly endpoint: AuthEndpoint
}

export type Bench = ReturnType<typeof createBench>

/** The servers of one runtime, one for each profile and state of the endpoint, started when it is first needed. */
export function createBench(runtime: Runtime, app: string) {
  const setups = new Map<string, Promise<Setup>>()
  return {
    setup: (state: EndpointState, profile: ProfileName): Promise<Setup> => {
      const key = `${profile} ${state}`
      const setup = setups.get(key) ?? start(runtime, join(app, 'profiles', profile), state)
      setups.set(key, setup)
      return setup
    },
    /** Stops what was started. Returns what the servers printed, and what the endpoints got. */
    stop: async () => {
      const started = await Promise.allSettled(setups.values())
      setups.clear()
      const running = started
        .filter((result) => result.status === 'fulfilled')
        .map((result) => result.value)
      const printed = await Promise.all(running.map(stop))
      return {
        printed: printed.join(''),
        received: running.flatMap(({ endpoint }) => endpoint.received),
      }
    },
  }
}

// Below the range of free ports that a system hands out, so no other test can listen there.
const STOPPED = 'http://127.0.0.1:29999/validate'

async function start(runtime: Runtime, app: string, state: EndpointState): Promise<Setup> {
  const endpoint = await startAuthEndpoint()
  try {
    const url = state === 'stopped' ? STOPPED : endpoint.url
    const env = state === 'absent' ? {} : { AUTH_ENDPOINT: url }
    return { server: await runtime.start(app, env), endpoint }
  } catch (error) {
    await endpoint.close()
    throw error
  }
}

async function stop({ server, endpoint }: Setup): Promise<string> {
  await server.stop()
  await endpoint.close()
  return server.printed()
}
