import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, inject, it, onTestFinished } from 'vitest'
import { createServer } from 'node:http'
import { close, listen } from '../support/loopback.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { BUN, DENO, findNode, locate } from './support/binaries.ts'
import type { Binary } from './support/binaries.ts'

const run = promisify(execFile)

type Costs = readonly [
  hit: number,
  hitOfMany: number,
  hitWithTold: number,
  rejection: number,
  miss: number,
]

/**
 * The most that each may cost, as a multiple of a gate by hand in the same process: a third more than the most of twenty runs in a
 * row on two busy cores. A URL object for each hit exceeds it on Node and Deno. A miss is the whole check of a new token over
 * sockets, beside a POST by hand over `fetch`: on Node it costs about half, since it goes by Node's dispatcher.
 */
const MOST: readonly (readonly [Binary, args: readonly string[], Costs])[] = [
  [findNode('24'), [], [4.8, 5.4, 7.4, 1.7, 0.78]],
  [findNode('26'), [], [7.9, 5.4, 11.6, 2.1, 0.75]],
  [BUN, [], [7.4, 6.2, 17.4, 3.7, 2.3]],
  [
    DENO,
    ['run', '--no-prompt', '--allow-env=AUTH_ENDPOINT', '--allow-net=127.0.0.1'],
    [8.4, 6.2, 12, 2.6, 2.1],
  ],
]

// Each takes up to a minute, so one Node is enough by day.
const MEASURED = IS_NIGHTLY ? MOST : MOST.filter(([{ name }]) => name !== findNode('26').name)

// Other tests run beside this one, and can make one measurement too high. Dearer code fails every time.
it.each(MEASURED.map((row) => [row[0].name, row] as const))(
  'hits, rejections and misses cost little more than by hand on %s',
  { retry: 2, timeout: 120_000 },
  async (_name, [binary, args, most]) => {
    const env = { ...process.env, AUTH_ENDPOINT: await startEndpoint() }
    const { stdout } = await run(locate(binary), [...args, 'costs.js'], { cwd: inject('app'), env })
    const costs = Object.entries(JSON.parse(stdout) as Record<string, number>)
    expect(costs).toHaveLength(most.length)
    expect(costs.filter(([, cost], index) => !(cost < (most[index] ?? 0)))).toEqual([])
    // So little cannot be: then nothing was measured.
    const least = ([name]: readonly [string, number]): number => (name === 'a miss' ? 0.2 : 1)
    expect(costs.filter((cost) => cost[1] < least(cost))).toEqual([])
  },
)

/** An endpoint that allows every token. It answers as soon as it can, and waits long before it closes a connection. */
async function startEndpoint(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    request.once('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end('{"principal":"ada"}')
    })
  })
  server.keepAliveTimeout = 60_000
  const port = await listen(server)
  onTestFinished(() => close(server))
  return `http://127.0.0.1:${port}/validate`
}
