import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startAuthEndpoint } from '../runtimes/support/auth-endpoint.ts'
import { ROOT } from '../support/project.ts'
import { SPELLINGS, TRUSTED_BY_SOME } from './hostile-requests.ts'
import { NOTES, call, callInChunks, smuggle } from './notes-client.ts'
import type { AuthEndpoint } from '../runtimes/support/auth-endpoint.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'
import type { Example } from './examples.ts'

/** A started example, and the auth endpoint that it asks. */
export interface Trial {
  readonly server: () => RunningServer
  readonly endpoint: () => AuthEndpoint
  /** The keys and paths that the endpoint was told about since the last time. */
  readonly asked: () => string[]
}

/** The tests of what only one example has. */
export type More = (trial: Trial) => void

// React Router names a charset.
const JSON_TYPE = expect.stringMatching(/^application\/json(; charset=utf-8)?$/) as string
const REFUSED = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }

/** What every example must do, called over a real socket. `more` is what only some of them have. */
export function describeExample(example: Example, more?: More): void {
  describe(`examples/${example.file}, served by ${example.server}`, () => {
    let server: RunningServer | undefined
    let endpoint: AuthEndpoint | undefined
    const trial: Trial = {
      server: () => present(server),
      endpoint: () => present(endpoint),
      asked: () =>
        present(endpoint)
          .received.splice(0)
          .map(({ body }) => JSON.parse(body) as { api_key: string; request: { path: string } })
          .map(({ api_key, request }) => `${api_key} ${request.path}`),
    }

    beforeAll(async () => {
      endpoint = await startAuthEndpoint()
      server = await example.start(inject('app'), { AUTH_ENDPOINT: endpoint.url })
    })
    afterAll(async () => {
      await server?.stop()
      await endpoint?.close()
    })

    describeRefusals(trial)
    describeEntry(trial, example)
    more?.(trial)
    // It ends the endpoint, so it is the last.
    describeOutage(trial)
  })
}

function describeRefusals(trial: Trial): void {
  it('answers 401 with a challenge to who has no key, and asks nobody', async () => {
    const response = await call(trial.server(), {})
    expect(response).toMatchObject({ status: 401, code: 'missing_credentials', headers: REFUSED })
    expect(response.headers['www-authenticate']).toBe('Bearer realm="api"')
    expect(await call(trial.server(), { text: 'no key' })).toEqual(response)
    expect(trial.asked()).toEqual([])
  })

  it('answers 401 with a challenge to a wrong key', async () => {
    const response = await call(trial.server(), { key: 'wrong' })
    expect(response).toMatchObject({ status: 401, code: 'denied', headers: REFUSED })
    expect(response.headers['www-authenticate']).toBe('Bearer realm="api", error="invalid_token"')
    expect(await call(trial.server(), { key: 'wrong', text: 'wrong key' })).toEqual(response)
    expect(trial.asked()).toEqual([`wrong ${NOTES}`, `wrong ${NOTES}`])
  })

  it('answers 401 to a key that is sent to be redirected', async () => {
    const response = await call(trial.server(), { key: 'redirect', text: 'redirected' })
    expect(response).toMatchObject({ status: 401, code: 'denied' })
    expect(trial.asked()).toEqual([`redirect ${NOTES}`])
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'])(
    'lets nobody without a key in by %s, however the path is spelt',
    async (method) => {
      for (const target of SPELLINGS) {
        const { status, body } = await smuggle(trial.server(), method, target)
        expect({ target, status, body }).toEqual({
          target,
          status: expect.toSatisfy(isNoSuccess),
          body: expect.not.stringContaining('"notes"'),
        })
      }
      expect(trial.asked()).toEqual([])
    },
  )

  it.each(Object.entries(TRUSTED_BY_SOME))('is not impressed by %s', async (name, value) => {
    const response = await call(trial.server(), { headers: { [name]: value }, text: 'trusted' })
    expect(response).toMatchObject({ status: 401, code: 'missing_credentials' })
  })
}

function describeEntry(trial: Trial, { file }: Example): void {
  it('lets a good key in, tells the endpoint the path, and the handler who calls', async () => {
    const response = await call(trial.server(), { key: 'good' })
    expect(response).toMatchObject({ status: 200, principal: 'alice' })
    expect(trial.asked()).toEqual([`good ${NOTES}`])
  })

  const byTransport = readFileSync(join(ROOT, 'examples', file), 'utf8').includes('nodeTransport()')
  it(`asks by ${byTransport ? '' : 'something else than '}nodeTransport`, async () => {
    await call(trial.server(), { key: 'good' })
    const [asked] = trial.endpoint().received.splice(0)
    // Nothing else asks for this.
    expect(asked?.headers['accept-encoding'] === 'identity').toBe(byTransport)
  })

  it('ran the handler for none of those', async () => {
    expect(await call(trial.server(), { key: 'good' })).toMatchObject({ notes: [] })
    trial.asked()
  })

  it('leaves a body as it was, of a known length and in chunks', async () => {
    // Of more bytes than arrive at once; a letter of two bytes shows if one was lost or read twice.
    const text = 'ä€'.repeat(15_000)
    expect(await call(trial.server(), { key: 'good', text })).toMatchObject({ status: 200 })
    expect(await callInChunks(trial.server(), text)).toMatchObject({ status: 200 })
    expect(await call(trial.server(), { key: 'good' })).toMatchObject({ notes: [text, text] })
    trial.asked()
  })
}

function describeOutage(trial: Trial): void {
  it('answers 401 while the endpoint is down, to a good key too', async () => {
    await trial.endpoint().close()
    const response = await call(trial.server(), { key: 'good', text: 'nobody was asked' })
    expect(response).toMatchObject({ status: 401, code: 'unreachable', headers: REFUSED })
  })
}

// Or not HTTP at all, from a server that closes at once.
function isNoSuccess(status: number): boolean {
  return !(status >= 200 && status < 300)
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The example is not running')
  return value
}
