import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort, isListening } from '../support/loopback.ts'
import { readText } from '../support/project.ts'
import { answer, bodyOf, fieldOf, startRawUpstream, whenComplete } from '../support/raw-upstream.ts'
import { acceptEcho } from '../support/socket-gateway.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import type { SpawnedProgram } from '../support/spawned-program.ts'

/** A request, as the app behind a proxy got it. */
export interface Reached {
  readonly line: string
  /** Lower-case names, each field in its own line. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly length: number
}

/** Starts an app that tells each request, starts a stream at `/stream`, breaks off at `/broken`, and echoes WebSockets. */
export async function startApp() {
  const reached: Reached[] = []
  const app = await startRawUpstream((call) => {
    const report = (): string => {
      const fields = call.fields.map(([name, value]) => [name.toLowerCase(), value] as const)
      const line = call.line.replace(/ HTTP\/1\.[01]$/, '')
      reached.push({ line, fields, length: bodyOf(call).length })
      return answer('200 OK', [], JSON.stringify(reached.at(-1)))
    }
    if (fieldOf(call, 'upgrade') === undefined) return whenComplete(call, report)
    report()
    return acceptEcho(call)
  })
  const challenge = 'WWW-Authenticate: Basic realm="app"'
  const forbidden = answer('401 Unauthorized', [challenge], 'of the app')
  app.plan('/broken', ({ socket }) => socket.destroy())
  app.plan('/forbidden', ({ socket }) => socket.end(forbidden))
  const begun = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n'
  app.plan('/stream', ({ socket }) => socket.write(begun))
  return { port: app.port, reached, callsFor: app.callsFor, close: app.close }
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
