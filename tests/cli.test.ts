import { createServer } from 'node:http'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { close, listen } from './support/loopback.ts'
import { ROOT } from './support/project.ts'
import { spawnProgram } from './support/spawned-program.ts'
import { TOKEN } from './support/token.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { SpawnedProgram } from './support/spawned-program.ts'

const BUILT = join(ROOT, 'dist/cli.js')

describe('the built check', { tags: ['slow'] }, () => {
  beforeAll(ensureBuilt, 60_000)

  it(
    'prints each row before the next answer arrives, without colors in a pipe',
    { timeout: 30_000 },
    async () => {
      let answerAll = (): void => undefined
      const mayAnswer = new Promise<void>((resolve) => (answerAll = resolve))
      let count = 0
      const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
        count += 1
        const isFirst = count === 1
        await text(request)
        if (!isFirst) await mayAnswer
        response.writeHead(isFirst ? 200 : 500).end()
      }
      const server = createServer((request, response) => void answer(request, response))
      const url = `http://127.0.0.1:${await listen(server)}/`
      const env = { WITH_AUTH_KEY: `sk-${TOKEN}` }
      const program = spawnProgram(process.execPath, [BUILT, 'check', url], { cwd: ROOT, env })
      try {
        // The second answer waits for the row of the first one.
        await program.printed(/^ {2}ok {7}good key .*$/m)
        expect(program.stdout()).not.toContain('bad key')
        answerAll()
        expect(await program.ended).toBe(1)
        expect(program.stdout()).toMatch(/^ {2}FAIL {5}bad key .*$/m)
        expect(program.stdout() + program.stderr()).not.toMatch(
          new RegExp(String.raw`\[\d+m|sk-${TOKEN}`),
        )
      } finally {
        program.kill('SIGKILL')
        await close(server)
      }
    },
  )
})

describe('the built gateway', { tags: ['slow'] }, () => {
  let endpoint: Server
  let upstream: Server
  let environment: Record<string, string>
  let upstreamUrl: string
  let running: SpawnedProgram[] = []

  beforeAll(ensureBuilt, 60_000)
  beforeEach(async () => {
    endpoint = createServer((request, response) => void answer(request, response))
    // The endpoint never closes an idle connection.
    endpoint.keepAliveTimeout = 0
    upstream = createServer(({ headers }, response) => response.end(headers['x-auth-principal']))
    environment = { AUTH_ENDPOINT: `http://127.0.0.1:${await listen(endpoint)}/validate` }
    upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
  })
  afterEach(async () => {
    for (const program of running) program.kill('SIGKILL')
    await Promise.all(running.map(({ ended }) => ended))
    running = []
    await Promise.all([close(endpoint), close(upstream)])
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { api_key: key } = (await json(request)) as { api_key: string }
    if (key !== `sk-${TOKEN}`) return void response.writeHead(401).end()
    response.end('{"principal":"alice"}')
  }

  function start(): SpawnedProgram {
    const args = [BUILT, 'gateway', '--port=0', '--upstream', upstreamUrl]
    const program = spawnProgram(process.execPath, args, { cwd: ROOT, env: environment })
    running.push(program)
    return program
  }

  it('exits while a connection to the endpoint is open', { timeout: 30_000 }, async () => {
    const gateway = start()
    const [, url = ''] = await gateway.printed(/"type":"listening","url":"([^"]+)"/)
    const call = async (key: string): Promise<[number, string]> => {
      const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
      return [response.status, await response.text()]
    }
    expect(await call(`sk-${TOKEN}`)).toEqual([200, 'alice'])
    expect(await call('sk-wrong')).toEqual([401, expect.stringContaining('"denied"')])

    const connections = await new Promise((resolve) =>
      endpoint.getConnections((_error, count) => resolve(count)),
    )
    expect(connections).toBeGreaterThan(0)
    gateway.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })
})
