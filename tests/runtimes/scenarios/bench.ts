import { join } from 'node:path'
import { answerByToken, startAuthEndpoint } from '../../support/auth-endpoint.ts'
import type { Runtime } from '../runtimes.ts'
import type { AuthEndpoint, EndpointAnswer, Question } from '../../support/auth-endpoint.ts'
import type { RunningServer } from '../support/server-process.ts'
import type { ProfileName } from './profiles.ts'

/** `stopped`: nothing listens there. `absent`: AUTH_ENDPOINT is not set. */
export type EndpointState = 'running' | 'stopped' | 'absent'

/** A server and its auth endpoint. */
export interface Setup {
  readonly server: RunningServer
  readonly endpoint: AuthEndpoint
  /** Sets the answers to the calls of a scenario. The last one repeats. */
  readonly plan: (scenario: string, answers: readonly EndpointAnswer[]) => void
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

// Below the ports that a system hands out and above those of findFreePort, so no other test listens there.
const STOPPED = 'http://127.0.0.1:32700/validate'

async function start(runtime: Runtime, app: string, state: EndpointState): Promise<Setup> {
  const plans = new Map<string, readonly EndpointAnswer[]>()
  const answer = (question: Question): EndpointAnswer => {
    const scenario = question.headers['x-scenario'] ?? ''
    const [next, ...rest] = plans.get(scenario) ?? []
    if (rest.length > 0) plans.set(scenario, rest)
    return next ?? answerByToken(question)
  }
  const endpoint = await startAuthEndpoint(answer)
  const url = state === 'stopped' ? STOPPED : endpoint.url
  const env = state === 'absent' ? {} : { AUTH_ENDPOINT: url }
  const server = await runtime.start(app, env).catch(async (error: unknown) => {
    await endpoint.close()
    throw error
  })
  return { server, endpoint, plan: (scenario, answers) => void plans.set(scenario, answers) }
}

async function stop({ server, endpoint }: Setup): Promise<string> {
  await server.stop()
  await endpoint.close()
  return server.printed()
}
