import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { close, listen } from './support/loopback.ts'
import { readJson, ROOT } from './support/project.ts'
import { spawnProgram } from './support/spawned-program.ts'
import { TOKEN } from './support/token.ts'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { SpawnedProgram } from './support/spawned-program.ts'

const BUILT = join(ROOT, 'dist/cli.js')

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [BUILT, ...args], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'] },
  })
  return { status, stdout, stderr }
}

describe('the built command', () => {
  beforeAll(ensureBuilt, 60_000)

  it('prints its version and its commands to standard output', () => {
    const { version } = readJson<{ version: string }>('package.json')
    expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
    const help = run('--help')
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toMatch(/^ {2}check +test an auth endpoint/m)
  })

  it('exits with 2 for wrong usage and 1 for a failure', () => {
    const wrong = run('check')
    expect(wrong).toEqual({
      status: 2,
      stdout: '',
      stderr: 'with-auth: URL is missing\nRun "with-auth check --help" for help.\n',
    })
    const failed = run('check', 'http://127.0.0.1:1/', '--json')
    expect(failed).toMatchObject({ status: 1, stderr: '' })
    expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false })
  })
})

describe('the built check', () => {
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
  // `undefined`: not installed. An undici that is too new for its Node fails to load.
  const installations = [
    { undici: 'the installed one', over: 'undici', encoding: 'identity', says: /over undici\)\n$/ },
    {
      undici: undefined,
      over: 'fetch',
      encoding: 'gzip, deflate',
      says: /are slower.*is not inst/,
    },
    { undici: '6.21.0', over: 'fetch', encoding: 'gzip, deflate', says: /are slower.*found 6\.21/ },
    {
      undici: '99.0.0',
      over: 'fetch',
      encoding: 'gzip, deflate',
      says: /are slower.*undici 99 does/,
    },
  ] as const
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-installed-'))
  const encodings = new Set<unknown>()
  let endpoint: Server
  let upstream: Server
  let environment: Record<string, string>
  let upstreamUrl: string
  let running: SpawnedProgram[] = []

  beforeAll(ensureBuilt, 60_000)
  beforeEach(async () => {
    encodings.clear()
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
  afterAll(() => rmSync(folder, { recursive: true }))

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    encodings.add(request.headers['accept-encoding'])
    const { api_key: key } = (await json(request)) as { api_key: string }
    if (key !== `sk-${TOKEN}`) return void response.writeHead(401).end()
    response.end('{"principal":"alice"}')
  }

  function start(command: string): SpawnedProgram {
    const args = [command, 'gateway', '--port=0', '--upstream', upstreamUrl]
    const program = spawnProgram(process.execPath, args, { cwd: folder, env: environment })
    running.push(program)
    return program
  }

  it.each(installations)(
    'calls the endpoint over $over with undici $undici, and exits while a connection to it is open',
    { timeout: 30_000 },
    async ({ undici, over, encoding, says }) => {
      const gateway = start(undici === installations[0].undici ? BUILT : install(folder, undici))
      const [, url = '', asksOver] = await gateway.printed(
        /"type":"listening","url":"([^"]+)".*"asksOver":"(\w+)"/,
      )
      expect(asksOver).toBe(over)
      await gateway.printed(says)
      const call = async (key: string): Promise<[number, string]> => {
        const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
        return [response.status, await response.text()]
      }
      expect(await call(`sk-${TOKEN}`)).toEqual([200, 'alice'])
      expect(await call('sk-wrong')).toEqual([401, expect.stringContaining('"denied"')])
      expect([...encodings]).toEqual([encoding])

      const connections = await new Promise((resolve) =>
        endpoint.getConnections((_error, count) => resolve(count)),
      )
      expect(connections).toBeGreaterThan(0)
      gateway.kill('SIGTERM')
      expect(await gateway.ended).toBe(0)
    },
  )
})

/** Installs the built command with its dependencies and a fake undici of this version. */
function install(parent: string, undici: string | undefined): string {
  const folder = mkdtempSync(join(parent, 'app-'))
  const packages = join(folder, 'node_modules')
  // Without a package.json it hides an undici further up.
  mkdirSync(join(packages, 'undici'), { recursive: true })
  if (undici !== undefined) {
    const manifest = { name: 'undici', version: undici, main: 'index.js' }
    writeFileSync(join(packages, 'undici/package.json'), JSON.stringify(manifest))
    writeFileSync(join(packages, 'undici/index.js'), 'throw new TypeError("not on this Node")')
  }
  const { dependencies } = readJson<{ dependencies: Record<string, string> }>('package.json')
  for (const name of Object.keys(dependencies)) {
    symlinkSync(join(ROOT, 'node_modules', name), join(packages, name), 'junction')
  }
  cpSync(join(ROOT, 'dist'), join(folder, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(folder, 'package.json'))
  return join(folder, 'dist/cli.js')
}
