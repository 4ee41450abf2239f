import { setTimeout as sleep } from 'node:timers/promises'
import { toldHeaders } from '../profiles.ts'
import { stepsOf } from '../scenario.ts'
import { scenarioOf } from './auth-endpoint.ts'
import { ENDPOINT_SECRET } from './endpoint-answer.ts'
import { send } from './http.ts'
import type { Asked, Expected, Scenario, Step } from '../scenario.ts'
import type { Received } from './auth-endpoint.ts'
import type { Setup } from './bench.ts'
import type { RawResponse } from '../../support/raw-client.ts'

/** The outcome of a scenario, as its clients and the auth endpoint saw it. */
export interface Outcome {
  readonly answered: readonly Answered[]
  /** The requests that the auth endpoint got. */
  readonly asked: readonly object[]
}

interface Answered {
  readonly status: number
  /** All values of the headers that the scenario names. */
  readonly fields: Readonly<Record<string, readonly string[]>>
  readonly body?: string
  /** Whether the response contains anything from the endpoint. */
  readonly leaks: boolean
}

/** Sends a scenario's requests. */
export async function observe(scenario: Scenario, setup: Setup): Promise<Outcome> {
  const { name, before = [] } = scenario
  const answered: Answered[] = []
  for (const step of before) answered.push(...(await take(step, name, setup)))
  answered.push(...(await take(scenario, name, setup)))
  const asked = setup.endpoint.received
    .filter((received) => scenarioOf(received) === name)
    .map(describeReceived)
  return { answered, asked: scenario.expected.mayRepeat === true ? distinct(asked) : asked }
}

async function take(
  { request, times = 1, afterMs = 0, expected }: Step,
  name: string,
  { server }: Setup,
): Promise<Answered[]> {
  await sleep(afterMs)
  const whole = { ...request, headers: { 'x-scenario': name, ...request.headers } }
  const sent = Array.from({ length: times }, () => send(server.url, whole))
  return (await Promise.all(sent)).map((response) => describeResponse(response, expected))
}

function describeResponse(
  { status, reason, headers, body }: RawResponse,
  expected: Expected,
): Answered {
  const fields = Object.keys(expected.fields).map((field) => [field, headers.get(field) ?? []])
  const all = [reason, ...[...headers].flat(2), body].join('\n')
  return {
    status,
    fields: Object.fromEntries(fields) as Answered['fields'],
    ...(expected.body === undefined ? {} : { body }),
    leaks: all.includes(ENDPOINT_SECRET),
  }
}

function describeReceived({ method, path, headers, body }: Received): object {
  const { 'content-type': type, accept, authorization, cookie } = headers
  const question: unknown = body === '' ? undefined : JSON.parse(body)
  return { method, path, type, accept, authorization, cookie, question }
}

function distinct(asked: readonly object[]): object[] {
  return [...new Map(asked.map((one) => [JSON.stringify(one), one])).values()]
}

/** The expected outcome of a scenario. */
export function predict(scenario: Scenario, { server }: Setup): Outcome {
  const steps = stepsOf(scenario)
  return {
    answered: steps.flatMap(({ times = 1, expected }) =>
      Array<Answered>(times).fill(predictAnswer(expected)),
    ),
    asked: steps
      .flatMap(({ expected }) => expected.asked ?? [])
      .map((asked) => describeQuestion(asked, scenario, server.url)),
  }
}

function predictAnswer({ status, fields, body }: Expected): Answered {
  const values = Object.entries(fields).map(([field, value]) => [
    field,
    value === undefined ? [] : [value],
  ])
  return {
    status,
    fields: Object.fromEntries(values) as Answered['fields'],
    ...(body === undefined ? {} : { body }),
    leaks: false,
  }
}

function describeQuestion(
  { api_key, request }: Asked,
  { name, profile = 'defaults' }: Scenario,
  url: string,
): object {
  // Every request of a scenario also has these headers.
  const common = { host: new URL(url).host, connection: 'close', 'x-scenario': name }
  const names = toldHeaders(profile)
  const told = Object.entries(common).filter(([field]) => names === 'all' || names.includes(field))
  const headers = { ...Object.fromEntries(told), ...request.headers }
  const question = { api_key, request: { ...request, headers } }
  const type = 'application/json'
  return { method: 'POST', path: '/validate', type, accept: type, question }
}
