/** @module-tag slow */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { createKey } from '../../src/keys.ts'
import { ensureBuilt } from '../support/built-package.ts'
import { whyMissing } from '../support/installed.ts'
import { close, listen } from '../support/loopback.ts'
import { listFiles, readText, ROOT } from '../support/project.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { startService } from '../support/verifier-service.ts'

/** The built command as a process of its own. */

const DIST = join(ROOT, 'dist')
const BUILT = join(DIST, 'cli.js')
const KEY = 'sk-0123456789'
const inFolder = setupFolder()
beforeAll(ensureBuilt, 60_000)

function start(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = spawnProgram(process.execPath, [BUILT, ...args], { cwd: inFolder('.'), env })
  onTestFinished(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  return program
}

it('check prints each row before the next answer arrives, without colors in a pipe', async () => {
  let answerAll = (): void => undefined
  const mayAnswer = new Promise<void>((resolve) => (answerAll = resolve))
  const service = await startService((_, response) => {
    // The second answer waits for the row of the first one.
    if (service.calls.length === 1) response.writeHead(200).end()
    else void mayAnswer.then(() => response.writeHead(500).end())
    return undefined
  })
  const program = start(['check', `http://127.0.0.1:${service.port}/`], { WITH_AUTH_KEY: KEY })
  await program.printed(/^ {2}ok {7}good key .*$/m)
  expect(program.stdout()).not.toContain('bad key')
  answerAll()
  expect(await program.ended).toBe(1)
  expect(program.stdout()).toMatch(/^ {2}FAIL {5}bad key .*$/m)
  expect(program.stdout() + program.stderr()).not.toMatch(new RegExp(String.raw`\[\d+m|${KEY}`))
})

it('gateway exits while a connection to the endpoint is open', async () => {
  const endpoint = createServer((request, response) => {
    const answer = (question: string): unknown =>
      question.includes(`"api_key":"${KEY}"`)
        ? response.end('{"principal":"alice"}')
        : response.writeHead(401).end()
    void text(request).then(answer)
  })
  // It never closes an idle connection.
  endpoint.keepAliveTimeout = 0
  const upstream = createServer(({ headers }, response) =>
    response.end(headers['x-auth-principal']),
  )
  const upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
  onTestFinished(async () => void (await Promise.all([close(endpoint), close(upstream)])))
  const args = ['gateway', '--port=0', '--upstream', upstreamUrl]
  const env = { AUTH_ENDPOINT: `http://127.0.0.1:${await listen(endpoint)}/validate` }
  const gateway = start(args, env)
  const [, url = ''] = await gateway.printed(/"type":"listening","url":"([^"]+)"/)
  const call = async (key: string): Promise<[number, string]> => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    return [response.status, await response.text()]
  }
  expect(await call(KEY)).toEqual([200, 'alice'])
  expect(await call('sk-wrong')).toEqual([401, expect.stringContaining('"denied"')])
  const connections = new Promise((resolve) =>
    endpoint.getConnections((_error, count) => resolve(count)),
  )
  expect(await connections).toBeGreaterThan(0)
  gateway.kill('SIGTERM')
  expect(await gateway.ended).toBe(0)
})

const noTerminal = whyMissing(['script', '--version'], 'bsdutils')

it.skipIf(noTerminal)(
  'gateway logs readable lines with colors on a terminal, which no path can forge',
  async () => {
    await createKey(inFolder('keys.yaml'), { principal: 'alice' })
    const command = `'${process.execPath}' '${BUILT}' gateway --keys keys.yaml`
    const line = `${command} --upstream http://127.0.0.1:9 --port=0`
    const env = { TERM: 'xterm' }
    const program = spawnProgram('script', ['-qec', line, '/dev/null'], { cwd: inFolder('.'), env })
    const [url] = await program.printed(/http:\/\/127[\d.:]+/)
    await fetch(`${url}/a%1b[32m%0a%e2%80%ae"`)
    const [printed] = await program.printed(/^.*missing_credentials.*$/m)
    program.kill('SIGTERM')
    await program.ended
    expect(printed.trimEnd()).toMatch(
      // oxlint-disable-next-line no-control-regex
      /^\x1b\[2m\d\d:\d\d:\d\d\x1b\[0m \x1b\[33m401\x1b\[0m GET  \/a[\x20-\x7e]+ missing_credentials check \d+\.\d ms$/,
    )
  },
)

it('explain ends in time with 3 for a service that hangs', async () => {
  const server = createServer(() => undefined)
  const endpoint = `http://127.0.0.1:${await listen(server)}/`
  onTestFinished(() => close(server))
  writeFileSync(
    inFolder('run.yaml'),
    `server: { auth: { endpoint: "${endpoint}", timeout_ms: 300 } }`,
  )
  const line = `echo some-token | '${process.execPath}' '${BUILT}' explain --config run.yaml --path /v1`
  const program = spawnProgram('sh', ['-c', line], { cwd: inFolder('.') })
  expect(await program.ended).toBe(3)
  expect(program.stdout()).toContain('Why: The service did not answer in time.')
})

it('demo leaves nothing behind after the Ctrl-C of a terminal, which npm passes on, during a stream', async () => {
  mkdirSync(inFolder('tmp'))
  const demo = start(['demo'], { TMPDIR: inFolder('tmp') })
  await demo.printed(/Ctrl-C.*\n/)
  const guide = demo.stdout()
  const [gateway = ''] = guide.match(/http:\/\/127\.0\.0\.1:\d+/) ?? []
  const [authorization = ''] = guide.match(/Bearer withauth_\w+/) ?? []
  const { body } = await fetch(`${gateway}/v1/chat`, { headers: { authorization } })
  const reader = body?.getReader()
  await reader?.read()
  demo.kill('SIGINT')
  demo.kill('SIGINT')
  expect(await demo.ended).toBe(0)
  expect(demo.stdout().slice(guide.length)).toMatch(/^\S+ 200 GET {2}\/v1\/chat allow .*\n$/)
  expect(demo.stderr()).toBe('')
  const readAll = async (): Promise<void> => {
    while ((await reader?.read())?.done === false);
  }
  await expect(readAll()).rejects.toThrow('terminated')
  // Another program may have got the port meanwhile.
  const status = await fetch(`${gateway}/v1/chat`, { headers: { authorization } }).then(
    (response) => response.status,
    () => 'refused',
  )
  expect(status).not.toBe(200)
  expect(readdirSync(inFolder('tmp'))).toEqual([])
})

it('console serves its page, and ends by Ctrl-C', async () => {
  await createKey(inFolder('keys.yaml'), { principal: 'alice' })
  const served = start(['console', '--keys', 'keys.yaml', '--port=0', '--json'])
  const [, url = ''] = await served.printed(/"url":"([^"]+)"/)
  for (const target of ['/', '/console.js', '/console.css']) {
    const response = await fetch(`${url}${target}`)
    expect([response.status, (await response.text()).length > 1000]).toEqual([200, true])
  }
  served.kill('SIGINT')
  expect(await served.ended).toBe(0)
})

it('has Hono with its licence in the file of the console, which the command loads when it serves the page', () => {
  const scripts = listFiles(DIST).filter((file) => file.endsWith('.js'))
  const filesWith = (part: string): string[] =>
    scripts.filter((file) => readFileSync(join(DIST, file), 'utf8').includes(part))
  expect(filesWith('node_modules/hono/')).toEqual(['parts/cli/console.js'])
  expect(filesWith(readText('node_modules/hono/LICENSE'))).toEqual(['parts/cli/console.js'])
  expect(filesWith('cli/console.js"')).toEqual(['parts/serve-console.js'])
  expect(filesWith('serve-console.js"')).toEqual(['parts/cli.js'])
  expect(filesWith('import("./serve-console.js")')).toEqual(['parts/cli.js'])
  expect(filesWith('from "hono').filter((file) => file.startsWith('parts/cli'))).toEqual([])
})
