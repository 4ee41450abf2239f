import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isListening } from '../../tests/support/loopback.ts'
import type { AddressInfo } from 'node:net'
import type { ChildProcess } from 'node:child_process'

const START_MS = 10_000
const GUARD_OF_NGINX = 'auth_request /auth;'
const CACHE_OF_NGINX =
  'proxy_cache verdicts; proxy_cache_key $http_authorization; proxy_cache_valid 200 1h; proxy_cache_valid 401 5s;'

/** A server from a Debian package. */
export interface DebianServer {
  readonly name: string
  readonly package: string
  readonly version: () => string
  /** Its command for a port. */
  readonly command: (setting: Setting) => readonly [string, ...string[]]
}

export interface Setting {
  readonly app: string
  readonly port: number
  readonly gate: string
  readonly endpoint: URL
}

export interface StartedServer {
  readonly url: string
  readonly pid: number
  readonly stop: () => Promise<void>
}

export const DEBIAN_SERVERS = {
  nginx: {
    name: 'nginx',
    package: 'nginx-light',
    version: () => firstNumber(run('sh', '-c', 'nginx -v 2>&1')),
    command: (setting) => ['nginx', '-c', writeNginx(setting)],
  },
  caddy: {
    name: 'Caddy',
    package: 'caddy',
    version: () => firstNumber(run('caddy', 'version')),
    command: (setting) => [
      'caddy',
      'run',
      '--adapter',
      'caddyfile',
      '--config',
      writeCaddy(setting),
    ],
  },
  fastapi: {
    name: 'FastAPI',
    package: 'python3-fastapi python3-httpx python3-uvicorn',
    version: () => run('/usr/bin/python3', '-c', PYTHON_VERSIONS),
    command: ({ app, port }) => ['/usr/bin/python3', join(app, 'origin.py'), String(port)],
  },
} as const satisfies Record<string, DebianServer>

const PYTHON_VERSIONS =
  'import fastapi, httpx, uvicorn; print(f"{fastapi.__version__}, httpx {httpx.__version__}, uvicorn {uvicorn.__version__}")'

const alive = new Set<ChildProcess>()
process.once('exit', () => alive.forEach((child) => child.kill('SIGKILL')))

export async function startDebianServer(
  server: DebianServer,
  app: string,
  gate: string,
  endpoint: string,
): Promise<StartedServer> {
  const port = await findPort()
  const [file, ...args] = server.command({ app, port, gate, endpoint: new URL(endpoint) })
  const env = { ...process.env, GATE: gate, AUTH_ENDPOINT: endpoint, HOME: app }
  const child = spawn(file, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let printed = ''
  child.stderr.on('data', (chunk) => (printed += chunk))
  alive.add(child)
  const ended = once(child, 'close').finally(() => alive.delete(child))
  const early = ended.then(() => {
    throw new Error(`${file} ended (apt-get install ${server.package}?). It printed: ${printed}`)
  })
  await Promise.race([untilOpen(port), early])
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM')
    await ended
  }
  early.catch(() => undefined)
  return { url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, stop }
}

function writeNginx({ app, port, gate, endpoint }: Setting): string {
  const folder = mkdtempSync(join(app, 'nginx-'))
  // If root starts nginx, its workers run as another user.
  for (const passed of [app, folder]) chmodSync(passed, 0o755)
  return fill(app, 'nginx.conf', folder, {
    FOLDER: folder,
    PORT: String(port),
    ROOT: app,
    ENDPOINT: endpoint.host,
    PATH: endpoint.pathname + endpoint.search,
    GUARD: gate === 'nginx' ? '' : GUARD_OF_NGINX,
    CACHE: gate.startsWith('nginx-cache') ? CACHE_OF_NGINX : '',
  })
}

function writeCaddy({ app, port, gate, endpoint }: Setting): string {
  const uri = endpoint.pathname + endpoint.search
  const guard = `forward_auth ${endpoint.host} {\n    uri ${uri}\n  }`
  return fill(app, 'Caddyfile', mkdtempSync(join(app, 'caddy-')), {
    PORT: String(port),
    GUARD: gate === 'caddy' ? '' : guard,
  })
}

function fill(app: string, name: string, folder: string, values: Record<string, string>): string {
  const file = join(folder, name)
  const template = readFileSync(join(app, name), 'utf8')
  writeFileSync(
    file,
    template.replace(/@([A-Z]+)@/g, (mark, key: string) => values[key] ?? mark),
  )
  return file
}

async function findPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function untilOpen(port: number): Promise<void> {
  const deadline = Date.now() + START_MS
  while (!(await isListening(port))) {
    if (Date.now() > deadline) throw new Error(`Nothing listens on port ${port}`)
    await sleep(50)
  }
}

function run(file: string, ...args: string[]): string {
  return execFileSync(file, args, { encoding: 'utf8' }).trim()
}

function firstNumber(text: string): string {
  return /\d[\d.]*/.exec(text)?.[0] ?? text
}
