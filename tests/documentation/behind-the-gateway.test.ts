/** @module-tag slow */
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { gatewayCommand } from '../../src/cli/commands/gateway.ts'
import { createKey } from '../../src/keys.ts'
import { whyMissing, whySkipped } from '../support/installed.ts'
import { close, findFreePort, isListening, listen } from '../support/loopback.ts'
import { readFences } from '../support/markdown.ts'
import { exists, readText, ROOT } from '../support/project.ts'
import { serveCommand, stopCommands } from '../support/served-command.ts'
import { onHono } from '../support/socket-gateway.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { TOKEN } from '../support/token.ts'
import type { IncomingMessage } from 'node:http'
import type { SpawnedProgram } from '../support/spawned-program.ts'

/** The servers of docs/frameworks/behind-the-gateway.md, served as the page says. */

const PAGE = readText('docs/frameworks/behind-the-gateway.md')
const SECRET = '0123456789abcdef0123456789abcdef'
// A function for forms would make a blank of the plus sign.
const NAME = 'alice b+c, é%41'
const pathOf = setupFolder()
const programs: SpawnedProgram[] = []
const closers: (() => Promise<unknown>)[] = []

afterEach(async () => {
  await Promise.all(closers.splice(0).map((end) => end()))
  await stopCommands()
  for (const program of programs.splice(0)) {
    program.kill('SIGTERM')
    await program.ended
  }
})

const python = (modules: string, packages: string): string | undefined =>
  whyMissing(['/usr/bin/python3', '-c', `import ${modules}`], packages)
const SERVERS = [
  ['Django', python('django, gunicorn, uvicorn', 'python3-django gunicorn uvicorn')],
  ['Flask', python('flask, gunicorn', 'python3-flask gunicorn')],
  ['FastAPI', python('fastapi, uvicorn', 'python3-fastapi uvicorn')],
  ['PHP', whyMissing(['php', '--version'], 'php-cli')],
  ['Go', whyMissing(['go', 'version'], 'golang-go')],
  [
    'Express',
    exists('examples/node_modules/express') ? undefined : whySkipped('npm ci --prefix examples'),
  ],
] as const

function sectionOf(heading: string): string {
  return PAGE.split(/^##+ /m).find((section) => section.startsWith(`${heading}\n`)) ?? ''
}

/** Saves the file of a section, and runs its command. Returns the port. */
async function serve(heading: string): Promise<number> {
  const section = sectionOf(heading)
  const [, file = ''] = /n `(\w+\.\w+)`:$/m.exec(section) ?? []
  const [code = '', command = ''] = readFences(section).map((fence) => fence.code)
  const port = await findFreePort()
  const onPort = (given: string): string => given.replace(/\b8000\b/g, String(port))
  writeFileSync(pathOf(file), onPort(code))
  symlinkSync(join(ROOT, 'examples/node_modules'), pathOf('node_modules'), 'junction')
  const env = {
    WITH_AUTH_SIGN_SECRET: SECRET,
    PYTHONPATH: join(ROOT, 'examples/python'),
    PYTHONDONTWRITEBYTECODE: '1',
    // Go compiles its standard library once.
    HOME: process.env['HOME'] ?? '',
  }
  const program = spawnProgram('bash', ['-c', onPort(command)], { cwd: pathOf(''), env })
  programs.push(program)
  const failed = program.ended.then(() => {
    throw new Error(`${heading} ended: ${program.stderr()}`)
  })
  await Promise.race([untilListening(port), failed])
  return port
}

async function untilListening(port: number): Promise<void> {
  while (!(await isListening(port))) await sleep(50)
}

async function behindGateway(port: number): Promise<number> {
  const gateway = await onHono(
    { upstream: `http://127.0.0.1:${port}`, sign: { secret: SECRET } },
    { verifier: () => ({ outcome: 'allow', principal: NAME }) },
  )
  closers.push(gateway.close)
  return gateway.port
}

/** The status and the text that a caller gets. With `chunked` the upload has no length. */
async function send(port: number, body = '', isChunked = false): Promise<string> {
  const length = isChunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }
  const forged = {
    'x-auth-principal': 'root',
    x_auth_principal: 'root',
    'X-Auth_Principal': 'root',
  }
  const headers = {
    authorization: `Bearer ${TOKEN}`,
    ...forged,
    ...(body === '' ? {} : length),
  }
  const sent = request({ port, method: body === '' ? 'GET' : 'POST', headers })
  sent.end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return `${response.statusCode} ${(await text(response)).replaceAll('"', '')}`
}

const SLOW = { timeout: 300_000 }

describe.each(SERVERS)('the server in %s', (heading, missing) => {
  it('reads the caller, and no name that a client forges', SLOW, async ({ skip }) => {
    skip(missing !== undefined, missing)
    const port = await behindGateway(await serve(heading))
    expect(await send(port)).toBe(`200 ${NAME} sent 0 bytes`)
    expect(await send(port, 'hello')).toBe(`200 ${NAME} sent 5 bytes`)
    // As the page says of chunks.
    const bytes = heading === 'Django' ? 0 : 5
    expect(await send(port, 'hello', true)).toBe(`200 ${NAME} sent ${bytes} bytes`)
  })
})

describe('the gateway', () => {
  async function startUpstream() {
    const seen: IncomingMessage['headers'][] = []
    const server = createServer(({ headers }, response) => {
      seen.push(headers)
      response.end()
    })
    const port = await listen(server)
    closers.push(() => close(server))
    return { port, seen }
  }

  /** The arguments of the command in a section, for an upstream on another port. */
  const argsIn = (heading: string, port: number): string[] => {
    const command = readFences(sectionOf(heading)).find(({ language }) => language === 'sh')?.code
    const [, args = ''] = /^npx with-auth gateway (.*)$/s.exec(command ?? '') ?? []
    const absolute = args.replace(/\b(keys|run)\.yaml/, (file) => pathOf(file))
    return absolute.replace('8000', String(port)).replaceAll('\\\n', '').trim().split(/\s+/)
  }

  it('answers for the login of the clients of an MCP server', async () => {
    const { port, seen } = await startUpstream()
    const [yaml] = readFences(sectionOf('An MCP server'))
    writeFileSync(pathOf('run.yaml'), yaml?.code ?? '')
    const url = await serveCommand(gatewayCommand, argsIn('An MCP server', port)).listening()
    const metadata = await fetch(`${url}/.well-known/oauth-protected-resource/mcp`)
    expect(await metadata.json()).toMatchObject({
      resource: 'https://mcp.example.com/mcp',
      authorization_servers: ['https://login.example.com'],
    })
    const { status, headers } = await fetch(`${url}/mcp`, { method: 'POST' })
    expect(status).toBe(401)
    expect(headers.get('www-authenticate')).toContain('scope="notes:read"')
    expect(seen).toEqual([])
  })

  it('leaves Authorization to a server with keys of its own', async () => {
    const { port, seen } = await startUpstream()
    const { key } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const args = argsIn('A server with keys of its own', port)
    const url = await serveCommand(gatewayCommand, args).listening()
    const headers = { authorization: 'Bearer of-the-server', 'X-Gateway-Key': key }
    expect((await fetch(url, { headers })).status).toBe(200)
    expect((await fetch(url, { headers: { authorization: `Bearer ${key}` } })).status).toBe(401)
    expect(seen).toMatchObject([{ authorization: 'Bearer of-the-server' }])
    expect(JSON.stringify(seen)).not.toContain(key)
    // Without the option the server gets the key too.
    const without = await serveCommand(gatewayCommand, args.slice(0, -2)).listening()
    await fetch(without, { headers })
    expect(seen.at(-1)).toMatchObject({ 'x-gateway-key': key })
  })
})
