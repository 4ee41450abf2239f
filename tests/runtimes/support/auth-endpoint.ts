import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { close, listen } from '../../support/loopback.ts'
import { ENDPOINT_SECRET, play } from './endpoint-answer.ts'
import { TOKEN } from '../../support/token.ts'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { EndpointAnswer } from './endpoint-answer.ts'

/** A request that came in. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface AuthEndpoint {
  readonly url: string
  readonly received: Received[]
  /** Sets the answers to the calls of a scenario. The last one repeats. */
  readonly plan: (scenario: string, answers: readonly EndpointAnswer[]) => void
  readonly close: () => Promise<void>
}

const ALICE = JSON.stringify({
  principal: 'alice',
  attributes: { roles: ['admin'] },
  note: ENDPOINT_SECRET,
})
const JSON_TYPE = { 'content-type': 'application/json' }
const ALLOW: EndpointAnswer = { status: 200, headers: JSON_TYPE, body: ALICE }
const DENY: EndpointAnswer = { status: 401, body: ENDPOINT_SECRET }

/**
 * Starts a real auth endpoint, which gives the planned answers of the scenario. Without a plan it allows the token `good`
 * and denies every other. `/elsewhere`, the target of its redirects, allows alice.
 */
export async function startAuthEndpoint(): Promise<AuthEndpoint> {
  const received: Received[] = []
  const plans = new Map<string, EndpointAnswer[]>()
  const next = (scenario: string): EndpointAnswer | undefined => {
    const [answer, ...rest] = plans.get(scenario) ?? []
    if (rest.length > 0) plans.set(scenario, rest)
    return answer
  }
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url: path = '', headers } = request
    const body = await text(request)
    received.push({ method, path, headers, body })
    if (path === '/elsewhere') return play(response, ALLOW)
    const { key, scenario } = readQuestion(body)
    const planned = next(scenario) ?? (key === TOKEN ? ALLOW : DENY)
    return play(response, planned)
  }
  const server = createServer((request, response) => void answer(request, response))
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/validate`,
    received,
    plan: (scenario, answers) => void plans.set(scenario, [...answers]),
    close: () => close(server),
  }
}

/** The scenario of a call to the endpoint, from a header of the request. */
export function scenarioOf({ body }: Received): string {
  return body === '' ? '' : readQuestion(body).scenario
}

function readQuestion(body: string): { key: string; scenario: string } {
  const question = JSON.parse(body) as {
    api_key: string
    request: { headers: { [name: string]: string } }
  }
  return { key: question.api_key, scenario: question.request.headers['x-scenario'] ?? '' }
}
