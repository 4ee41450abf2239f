import { send } from './http.ts'
import type { Expected, Scenario } from '../scenarios.ts'
import type { Received } from './auth-endpoint.ts'
import type { Setup } from './bench.ts'

/** What came of a scenario, as the client and the auth endpoint saw it. */
export interface Outcome {
  readonly status: number
  /** Each value that was sent of the fields that the scenario names. */
  readonly fields: Readonly<Record<string, readonly string[]>>
  readonly body: string
  /** The requests that the auth endpoint got. */
  readonly asked: readonly object[]
}

/** Sends a scenario's request. */
export async function observe(scenario: Scenario, { server, endpoint }: Setup): Promise<Outcome> {
  const { name, request, expected } = scenario
  endpoint.received.length = 0
  const headers = { 'x-scenario': name, ...request.headers }
  const response = await send(server.url, { ...request, headers })
  const fields = Object.keys(expected.fields).map((field) => [
    field,
    response.headers.get(field) ?? [],
  ])
  return {
    status: response.status,
    fields: Object.fromEntries(fields) as Outcome['fields'],
    body: response.body,
    asked: endpoint.received.map(describeReceived),
  }
}

function describeReceived({ method, path, headers, body }: Received): object {
  const { 'content-type': type, accept, authorization, cookie } = headers
  const question: unknown = body === '' ? undefined : JSON.parse(body)
  return { method, path, type, accept, authorization, cookie, question }
}

/** What must come of a scenario. */
export function predict(scenario: Scenario, expected: Expected, { server }: Setup): Outcome {
  const { status, body, asked } = expected
  const fields = Object.entries(expected.fields).map(([field, value]) => [
    field,
    value === undefined ? [] : [value],
  ])
  return {
    status,
    fields: Object.fromEntries(fields) as Outcome['fields'],
    body,
    asked: asked === undefined ? [] : [describeQuestion(asked, scenario, server.url)],
  }
}

function describeQuestion(
  { api_key, request }: NonNullable<Expected['asked']>,
  { name }: Scenario,
  url: string,
): object {
  // What every scenario's request carries beside the headers that it names.
  const common = { host: new URL(url).host, connection: 'close', 'x-scenario': name }
  const question = { api_key, request: { ...request, headers: { ...common, ...request.headers } } }
  const type = 'application/json'
  return { method: 'POST', path: '/validate', type, accept: type, question }
}
