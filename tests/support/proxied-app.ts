import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, findFreePort, isListening, listen } from './loopback.ts'
import { readText } from './project.ts'
import { spawnProgram } from './spawned-program.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { SpawnedProgram } from './spawned-program.ts'

/** A request, as the app behind a proxy got it. */
export interface Reached {
  readonly line: string
  /** Lower-case names, each field in its own line. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly length: number
}

interface Recorded {
  readonly reached: Reached[]
  /** The content of requests, complete or not. */
  readonly seen: { bytes: number }
}

/** Starts an app that reports each request, starts a stream at `/stream`, breaks off at `/broken`, and echoes WebSockets. */
export async function startApp() {
  const reached: Reached[] = []
  const seen = { bytes: 0 }
  const server = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    // A client may leave during its upload.
    answer(request, response, { reached, seen }).catch(() => response.destroy())
  })
  server.on('upgrade', (request, socket) => {
    reached.push(describe(request, 0))
    const key = `${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
    const accept = createHash('sha1').update(key).digest('base64')
    const lines = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`]
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`)
    socket.pipe(socket)
    socket.on('error', () => socket.destroy())
  })
  const port = await listen(server)
  return { port, reached, seen, close: () => close(server) }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  { reached, seen }: Recorded,
): Promise<void> {
  if (request.url === '/broken') {
    request.socket.destroy()
  } else if (request.url === '/forbidden') {
    response.writeHead(401, { 'www-authenticate': 'Basic realm="app"' }).end('of the app')
  } else if (request.url === '/stream') {
    // The end never comes.
    response.write('first')
  } else {
    let length = 0
    for await (const chunk of request) {
      length += (chunk as Buffer).byteLength
      seen.bytes += (chunk as Buffer).byteLength
    }
    const described = describe(request, length)
    reached.push(described)
    response.end(JSON.stringify(described))
  }
}

function describe({ method, url, rawHeaders }: IncomingMessage, length: number): Reached {
  const fields = rawHeaders.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), rawHeaders[index + 1] ?? ''] as const] : [],
  )
  return { line: `${method} ${url}`, fields, length }
}

/** The ports in the configurations of `examples/forward-auth`. */
export interface Ports {
  readonly web: number
  readonly auth: number
  readonly app: number
}

export type TestedProxy = 'nginx' | 'caddy' | 'haproxy'

export const PROGRAMS: Readonly<
  Record<TestedProxy, readonly [version: readonly string[], packages: string]>
> = {
  nginx: [['nginx', '-v'], 'nginx'],
  caddy: [['caddy', 'version'], 'caddy'],
  haproxy: [['haproxy', '-v'], 'haproxy'],
}

/** Runs a configuration of `examples/forward-auth`, changed only in its ports and in what `edit` does. */
export async function startProxy(
  proxy: TestedProxy,
  ports: Omit<Ports, 'web'>,
  edit: (config: string) => string = (config) => config,
) {
  const folder = mkdtempSync(join(tmpdir(), `with-auth-${proxy}-`))
  const web = await findFreePort()
  const save = (name: string): void => {
    const text = edit(readText(`examples/forward-auth/${name}`))
    const bound = text
      .replaceAll(/\b8080\b/g, String(web))
      .replaceAll(/\b8323\b/g, String(ports.auth))
      .replaceAll(/\b8000\b/g, String(ports.app))
    writeFileSync(join(folder, name), name === 'Caddyfile' ? CADDY_GLOBALS + bound : bound)
  }
  const program = STARTS[proxy](folder, save)
  await Promise.race([untilListening(web), program.ended.then(() => fail(proxy, program))])
  return {
    port: web,
    url: `http://127.0.0.1:${web}`,
    output: () => program.stdout() + program.stderr(),
    stop: async () => {
      program.kill('SIGKILL')
      await program.ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function untilListening(port: number): Promise<void> {
  // oxlint-disable-next-line no-await-in-loop -- one try after the other
  while (!(await isListening(port))) await sleep(50)
}

function fail(proxy: TestedProxy, { stdout, stderr }: SpawnedProgram): never {
  throw new Error(`${proxy} ended: ${stdout()}${stderr()}`)
}

// A second Caddy could not open the port of the first one's admin interface.
const CADDY_GLOBALS = '{\n  admin off\n  servers {\n    protocols h1 h2c\n  }\n}\n'

type Start = (folder: string, save: (name: string) => void) => SpawnedProgram

const STARTS: Readonly<Record<TestedProxy, Start>> = {
  nginx: (folder, save) => {
    save('nginx.conf')
    const file = join(folder, 'main.conf')
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const paths = temporary.map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
    writeFileSync(
      file,
      `daemon off; master_process off; error_log stderr warn; pid ${folder}/nginx.pid; events {}
      http { access_log off; ${paths} include ${folder}/nginx.conf; }`,
    )
    return spawnProgram('nginx', ['-c', file], { cwd: folder })
  },
  caddy: (folder, save) => {
    save('Caddyfile')
    const args = ['run', '--adapter', 'caddyfile', '--config', join(folder, 'Caddyfile')]
    return spawnProgram('caddy', args, { cwd: folder })
  },
  haproxy: (folder, save) => {
    save('haproxy.cfg')
    save('with-auth.lua')
    return spawnProgram('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { cwd: folder })
  },
}
