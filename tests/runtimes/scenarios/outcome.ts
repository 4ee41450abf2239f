import { expect } from 'vitest'
import { ENDPOINT_SECRET } from '../../support/auth-endpoint.ts'
import { send } from '../support/http.ts'
import { tellsAllHeaders } from './profiles.ts'
import { stepsOf } from './scenario.ts'
import type { RawResponse } from '../../support/raw-client.ts'
import type { Received } from '../../support/auth-endpoint.ts'
import type { Setup } from './bench.ts'
import type { Asked, Expected, Scenario } from './scenario.ts'

/** The name of the scenario that a call to the endpoint belongs to. */
export function scenarioOf({ question }: Received): string {
  return question?.headers['x-scenario'] ?? ''
}

/** Sends the requests of a scenario. Fails unless its clients and the auth endpoint get what is expected. */
export async function playScenario(scenario: Scenario, { server, endpoint }: Setup): Promise<void> {
  const { name } = scenario
  const steps = stepsOf(scenario)
  for (const { request, times = 1, expected } of steps) {
    const whole = { ...request, headers: { 'x-scenario': name, ...request.headers } }
    const sent = Array.from({ length: times }, () => send(server.url, whole))
    for (const response of await Promise.all(sent)) expectResponse(response, expected)
  }
  const received = endpoint.received.filter((one) => scenarioOf(one) === name)
  const asked = steps.flatMap(({ expected }) => expected.asked ?? [])
  expect(received.map(describeReceived)).toEqual(
    asked.map((one) => describeQuestion(one, scenario, server.url)),
  )
}

function expectResponse(response: RawResponse, { status, fields, body }: Expected): void {
  const { reason, headers } = response
  expect(response).toMatchObject({ status, ...(body === undefined ? {} : { body }) })
  for (const [field, value] of Object.entries(fields)) {
    expect([field, ...(headers.get(field) ?? [])]).toEqual([field, value].filter(isThere))
  }
  // Nothing from the endpoint reaches a client.
  const all = [reason, ...[...headers].flat(2), response.body].join('\n')
  expect(all).not.toContain(ENDPOINT_SECRET)
}

function isThere(value: string | undefined): boolean {
  return value !== undefined
}

function describeReceived({ method, path, headers, body }: Received): object {
  const { 'content-type': type, accept, authorization, cookie } = headers
  const question: unknown = body === '' ? undefined : JSON.parse(body)
  return { method, path, type, accept, authorization, cookie, question }
}

function describeQuestion(
  { api_key, request }: Asked,
  { name, profile = 'defaults' }: Scenario,
  url: string,
): object {
  // Every request of a scenario also has these headers.
  const more = tellsAllHeaders(profile) ? { host: new URL(url).host, connection: 'close' } : {}
  const headers = { ...more, 'x-scenario': name, ...request.headers }
  const question = { api_key, request: { ...request, headers } }
  const type = 'application/json'
  return { method: 'POST', path: '/validate', type, accept: type, question }
}
