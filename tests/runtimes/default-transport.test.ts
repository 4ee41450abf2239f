import { createServer } from 'node:http'
import { expect, it, onTestFinished } from 'vitest'
import { close, findFreePort, listen } from '../support/loopback.ts'
import { BUN, DENO, findNode, NODES, OLDER_NODES } from './support/binaries.ts'
import { runProgram } from './support/run-program.ts'

/** How a guard asks by default: on Node by the dispatcher below `fetch`, once `fetch` has had an answer. */

const PROGRAM = 'transports.js'

it.each([...OLDER_NODES, ...NODES])(
  'on $name: by fetch, and from the second call on by its dispatcher',
  async (binary) => {
    expect(await runProgram(binary, [PROGRAM])).toEqual({
      seen: ['fetch', 'dispatcher', 'dispatcher'],
      outcomes: ['allow', 'denied', 'allow'],
    })
  },
)

it.each([BUN, DENO])('on $name: by its own fetch', async (binary) => {
  expect(await runProgram(binary, [PROGRAM], { permissions: ['-A'] })).toEqual({
    seen: ['plain fetch', 'plain fetch', 'plain fetch'],
    outcomes: ['allow', 'denied', 'allow'],
  })
})

it.each(['20', '26'])(
  'on Node %s: rejects no more good callers than fetch, while the endpoint closes idle connections',
  async (version) => {
    const counted = await runProgram(findNode(version), [PROGRAM, 'closing'])
    const { rejected, byFetch } = counted as { rejected: number; byFetch: number }
    // Chance decides about a few: the endpoint closes at random times.
    expect(rejected).toBeLessThanOrEqual(byFetch + 3)
  },
  60_000,
)

it.each(['22', '24', '26'])('on Node %s: by the proxy of the environment', async (version) => {
  const env = { NODE_USE_ENV_PROXY: '1', HTTP_PROXY: `http://127.0.0.1:${await findFreePort()}` }
  expect(await runProgram(findNode(version), [PROGRAM, 'proxied'], { env })).toEqual({
    outcomes: ['allow', 'allow'],
    asked: true,
  })
})

it.each([
  [['--allow-net'], { outcomes: ['allow', 'allow', 'allow'], causes: [] }],
  [
    [],
    {
      outcomes: ['unreachable', 'unreachable', 'unreachable'],
      causes: Array.from({ length: 3 }, () => 'ERR_ACCESS_DENIED'),
    },
  ],
])('on Node 26 with --permission and %j', async (flags, expected) => {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'))
  })
  const port = await listen(server)
  onTestFinished(() => close(server))
  const args = ['--permission', '--allow-fs-read=*', ...flags, PROGRAM, 'alone']
  const env = { ENDPOINT: `http://127.0.0.1:${port}/` }
  expect(await runProgram(findNode('26'), args, { env })).toEqual(expected)
})
