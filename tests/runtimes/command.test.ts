import { execFile, execFileSync } from 'node:child_process'
import { createServer, request as sendRequest } from 'node:http'
import { once } from 'node:events'
import { connect, createServer as createTcpServer } from 'node:net'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { close, listen } from '../support/loopback.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { BUN, DENO, locate, SOME_NODES } from './support/binaries.ts'
import { argsBefore, commandFile, KEY, startGateway, writeKey } from './support/command.ts'
import { startServer } from './support/server-process.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RunningServer } from './support/server-process.ts'

const upstream = createServer((request, response) => {
  if (request.url === '/slow') {
    response.write('begun ')
    slow = response
    return
  }
  const { headers } = request
  const [principal, address] = [headers['x-auth-principal'], headers['x-forwarded-for']]
  response.end(JSON.stringify({ principal, address, id: headers['x-request-id'] }))
})
let upstreamUrl: string
let slow: ServerResponse | undefined
const running: RunningServer[] = []

const inFolder = setupFolder()
beforeAll(async () => {
  upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
})
afterAll(() => close(upstream))
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()))
})

function countDecisions(printed: string): number {
  return printed.split('"type":"decision"').length - 1
}

describe.each([...SOME_NODES, BUN, DENO])('the command on $name', (binary) => {
  const [args, argsToWrite] = [argsBefore(binary), argsBefore(binary, 'write')]
  const keysFile = () => inFolder('keys.yaml')

  async function run(before: readonly string[], line: readonly string[], env = {}) {
    const cwd = inFolder('.')
    const surroundings = { cwd, env: { HOME: cwd, NO_COLOR: '1', ...env } }
    try {
      const { stdout } = await promisify(execFile)(
        locate(binary),
        [...before, commandFile(), ...line],
        surroundings,
      )
      return { code: 0, stdout, stderr: '' }
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
      return { code, stdout, stderr }
    }
  }

  async function start(...line: string[]): Promise<RunningServer> {
    const given = [...args, commandFile(), ...line, '--port=0']
    const server = await startServer({ binary, args: given, cwd: inFolder('.'), env: {} })
    running.push(server)
    return server
  }

  async function startWithKey(): Promise<RunningServer> {
    const gateway = await startGateway(binary, upstreamUrl, writeKey(keysFile()))
    running.push(gateway)
    return gateway
  }

  function call(url: string, key = KEY): Promise<Response> {
    return fetch(url, { headers: { authorization: `Bearer ${key}` } })
  }

  it('guards a server by keys that it makes, lists and revokes', async () => {
    const line = ['keys', 'create', '--keys', keysFile(), '--principal', 'alice', '--json']
    const created = await run(argsToWrite, line)
    const { id, key } = JSON.parse(created.stdout) as { id: string; key: string }
    const listed = await run(args, ['keys', 'list', '--keys', keysFile()])
    expect(listed.stdout).toContain(id)

    const gateway = await start('gateway', '--upstream', upstreamUrl, '--keys', keysFile())
    expect((await fetch(gateway.url)).status).toBe(401)
    const response = await call(gateway.url, key)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ principal: 'alice', address: '127.0.0.1' })

    expect((await run(argsToWrite, ['keys', 'revoke', id, '--keys', keysFile()])).code).toBe(0)
    // No decision is cached for this path.
    expect((await call(`${gateway.url}/other`, key)).status).toBe(401)
    expect(gateway.printed()).not.toContain(key)
  })

  it('serves the console to its own page alone', async () => {
    const served = await start('console', '--keys', writeKey(keysFile()))
    await expect.poll(served.printed).toMatch(/#code=[\w-]{43}/)
    const body = JSON.stringify({ code: /#code=([\w-]{43})/.exec(served.printed())?.[1] })
    const post = (origin: string): Promise<Response> =>
      fetch(`${served.url}/session`, { method: 'POST', headers: { origin }, body })
    expect((await post('http://localhost')).status).toBe(403)
    const { token } = (await (await post(served.url)).json()) as { token: string }
    expect((await call(`${served.url}/api/keys`, `${token}x`)).status).toBe(401)
    const listed = await call(`${served.url}/api/keys`, token)
    expect(await listed.json()).toMatchObject({ keys: [{ id: 'known', principal: 'alice' }] })
    const elsewhere = sendRequest(served.url, { headers: { host: 'attacker.example' } }).end()
    const [response] = (await once(elsewhere, 'response')) as [IncomingMessage]
    expect(response.resume().statusCode).toBe(421)
  })

  it('finishes a running request after SIGTERM', async () => {
    const gateway = await startWithKey()
    const response = await call(`${gateway.url}/slow`)
    const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
    expect((await reader?.read())?.value).toBe('begun ')
    // A load balancer opens such connections in advance.
    const silent = connect(Number(new URL(gateway.url).port), '127.0.0.1')
    silent.on('error', () => undefined)
    await once(silent, 'connect')
    process.kill(gateway.pid, 'SIGTERM')
    await expect.poll(() => isRefused(gateway.url), { timeout: 5000 }).toBe(true)
    slow?.end('ended')
    expect((await reader?.read())?.value).toBe('ended')
    await expect.poll(() => isGone(gateway.pid), { timeout: 8000 }).toBe(true)
  })

  it('serves on when the reader of its log has gone', async () => {
    const gateway = await startWithKey()
    const begun = await call(`${gateway.url}/slow`)
    gateway.stopReading()
    const LOST = 'the log cannot be written (EPIPE)'
    const askUntilLost = async (): Promise<boolean> => {
      expect((await call(gateway.url)).status).toBe(200)
      return gateway.printed().includes(LOST)
    }
    await expect.poll(askUntilLost, { timeout: 5000 }).toBe(true)
    for (let count = 0; count < 5; count += 1) {
      expect((await call(gateway.url)).status).toBe(200)
    }
    slow?.end('ended')
    expect(await begun.text()).toBe('begun ended')
    expect(gateway.printed().split(LOST)).toHaveLength(2)
  })

  /** Sends requests, each with a long line in the log, until something is printed. Returns how many were sent. */
  async function askUntilPrinted(gateway: RunningServer, text: string): Promise<number> {
    for (let sent = 0; sent < 10_000; sent += 50) {
      if (gateway.printed().includes(text)) return sent
      await ask(gateway, 50)
    }
    throw new Error(`The gateway never printed "${text}"`)
  }

  async function ask(gateway: RunningServer, times: number): Promise<void> {
    const url = `${gateway.url}/${'a'.repeat(250)}`
    for (let sent = 0; sent < times; sent += 50) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(url)))
      expect(answers.filter(({ status }) => status !== 401)).toEqual([])
      await Promise.all(answers.map((answer) => answer.text()))
    }
  }

  it(
    'serves on while its log is not read, drops lines, and ends at SIGTERM',
    { timeout: 90_000 },
    async () => {
      const gateway = await startWithKey()
      gateway.pauseReading()
      const sent = await askUntilPrinted(gateway, 'lines are dropped until it catches up')
      gateway.resumeReading()
      const DROPPED = /log lines dropped because the reader was too slow: (\d+)\n/
      await expect.poll(() => countDecisions(gateway.printed())).toBeGreaterThan(500)
      const more = await askUntilPrinted(gateway, 'log lines dropped because')
      const dropped = Number(DROPPED.exec(gateway.printed())?.[1])
      expect(dropped).toBeGreaterThan(0)
      await expect.poll(() => countDecisions(gateway.printed()) + dropped).toBe(sent + more)
      gateway.pauseReading()
      await ask(gateway, 2000)
      process.kill(gateway.pid, 'SIGTERM')
      await expect.poll(() => isGone(gateway.pid), { timeout: 8000 }).toBe(true)
    },
  )

  it('serves an endpoint that its own check finds right', async () => {
    const endpoint = await start('endpoint', '--keys', writeKey(keysFile()))
    const env = { WITH_AUTH_KEY: KEY }
    const checked = await run(args, ['check', `${endpoint.url}/validate`, '--json'], env)
    const { rows } = JSON.parse(checked.stdout) as { rows: { result: string }[] }
    expect(rows.filter(({ result }) => result !== 'ok')).toEqual([])
    expect(checked.code).toBe(0)
  })

  it('check says why it cannot call the endpoint', async () => {
    const other = createTcpServer((socket) => {
      // A client that does not understand the greeting resets the connection.
      socket.on('error', () => undefined)
      socket.resume().end('SSH-2.0-OpenSSH_9.6\r\n')
    })
    const port = await listen(other)
    const check = async (url: string) => (await run(args, ['check', url])).stdout
    const [noHttp, noTls, blocked] = [
      await check(`http://127.0.0.1:${port}/`),
      await check(`https://${new URL(upstreamUrl).host}/`),
      await check('http://127.0.0.1:6000/'),
    ]
    other.close()
    expect(noHttp).toMatch(/^Stopped: the server there does not speak HTTP \(\w+\)\.$/m)
    expect(noTls).toMatch(/^Stopped: the TLS handshake failed \(\w+\)\.$/m)
    // Bun blocks no port.
    expect(blocked).toMatch(
      /^Stopped: (?:fetch blocks this port|nothing listens there) \((?:BAD_PORT|ECONNREFUSED)\)\.$/m,
    )
  })
})

it('runs as npx with-auth once the package is installed', () => {
  const app = inject('app')
  const npm = (name: string, ...args: string[]): string =>
    execFileSync(name, args, { cwd: app, encoding: 'utf8' })
  // The last step of an installation by npm: it links the command and makes it executable.
  npm('npm', 'rebuild', '--ignore-scripts', '--silent')
  expect(npm('npx', '--no-install', 'with-auth', '--version')).toMatch(/^\d+\.\d+\.\d+\n$/)
  const bunx = [locate(BUN), 'x', '--bun', '--no-install', 'with-auth', '--version'] as const
  expect(npm(...bunx)).toMatch(/^\d+\.\d+\.\d+\n$/)
})

async function isRefused(url: string): Promise<boolean> {
  try {
    await fetch(url)
    return false
  } catch {
    return true
  }
}

function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch {
    return true
  }
}
