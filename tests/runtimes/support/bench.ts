import { startAuthEndpoint } from './auth-endpoint.ts'
import type { Runtime } from '../runtimes.ts'
import type { EndpointState } from '../scenarios.ts'
import type { AuthEndpoint } from './auth-endpoint.ts'
import type { RunningServer } from './server-process.ts'

/** A server, and the auth endpoint that it was told about. */
export interface Setup {
  readonly server: RunningServer
  readonly endpoint: AuthEndpoint
}

/** The servers of one runtime, one for each state of the endpoint, each started when it is first needed. */
export interface Bench {
  readonly setup: (state: EndpointState) => Promise<Setup>
  /** Stops what was started. Returns everything that was printed. */
  readonly stop: () => Promise<string>
}

export function createBench(runtime: Runtime, app: string): Bench {
  const setups = new Map<EndpointState, Promise<Setup>>()
  return {
    setup: (state) => {
      const setup = setups.get(state) ?? start(runtime, app, state)
      setups.set(state, setup)
      return setup
    },
    stop: async () => {
      const started = await Promise.allSettled(setups.values())
      setups.clear()
      const stopping = started
        .filter((result) => result.status === 'fulfilled')
        .map((result) => stop(result.value))
      return (await Promise.all(stopping)).join('')
    },
  }
}

async function start(runtime: Runtime, app: string, state: EndpointState): Promise<Setup> {
  const endpoint = await startAuthEndpoint()
  try {
    const env = state === 'absent' ? {} : { AUTH_ENDPOINT: endpoint.url }
    const server = await runtime.start(app, env)
    // Only now, so that the server cannot have taken its port.
    if (state !== 'running') await endpoint.close()
    return { server, endpoint }
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
