import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, it } from 'vitest'
import { RUNTIMES } from './runtimes.ts'
import { createBench } from './support/bench.ts'
import { send } from './support/http.ts'
import type { HttpResponse } from './support/http.ts'

const APP = createAppThatCaches(inject('app'))
// A guard without a config has no cache.
const CONFIGURED = RUNTIMES.filter((runtime) => runtime.bare !== true)

describe.each(CONFIGURED.map((runtime) => [runtime.name, runtime] as const))(
  '%s',
  (_name, runtime) => {
    const bench = createBench(runtime, APP)
    afterAll(() => bench.stop())

    async function askAtOnce(key: string, path: string, times: number): Promise<HttpResponse[]> {
      const { server } = await bench.setup('running')
      const headers = { authorization: `Bearer ${key}`, 'x-scenario': path }
      const requests = Array.from({ length: times }, () =>
        send(server.url, { target: path, headers }),
      )
      return Promise.all(requests)
    }

    it('answers the second request with a token from what is kept', async () => {
      const { endpoint } = await bench.setup('running')
      endpoint.received.length = 0
      const [first] = await askAtOnce('good', '/twice', 1)
      const [second] = await askAtOnce('good', '/twice', 1)
      expect(first).toMatchObject({
        status: 200,
        body: expect.stringContaining('"alice"') as string,
      })
      expect(second).toMatchObject({ status: 200, body: first?.body })
      expect(endpoint.received).toHaveLength(1)
    })

    it('asks once for twenty requests that come at once', async () => {
      const { endpoint } = await bench.setup('running')
      endpoint.received.length = 0
      const responses = await askAtOnce('slow', '/at-once', 20)
      expect(responses.map(({ status }) => status)).toEqual(Array<number>(20).fill(200))
      expect(new Set(responses.map(({ body }) => body))).toHaveLength(1)
      expect(endpoint.received).toHaveLength(1)
    })
  },
)

// The same server programs, but for the options that they import.
function createAppThatCaches(app: string): string {
  const folder = join(app, 'that-caches')
  mkdirSync(folder)
  const files = readdirSync(app).filter((name) => name.endsWith('.js') || name === 'package.json')
  for (const name of files) cpSync(join(app, name), join(folder, name))
  cpSync(join(app, 'options-with-cache.js'), join(folder, 'options.js'))
  symlinkSync('../node_modules', join(folder, 'node_modules'))
  return folder
}
