import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort, isListening } from './loopback.ts'
import { readText, ROOT } from './project.ts'
import { spawnProgram } from './spawned-program.ts'
import type { SpawnedProgram } from './spawned-program.ts'

/** A request, as the app behind a proxy got it. */
export interface Reached {
  readonly line: string
  /** Lower-case names, each field in its own line. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly length: number
}

/** A line that `app.py` prints. */
type Said = { readonly [Fact in 'port' | 'bytes']?: number } & { readonly reached?: Reached }

/**
 * Starts an app in Python that reports each request, starts a stream at `/stream`, breaks off at `/broken`, and echoes WebSockets.
 * It answers a request only after this process knows of it. `seen` counts the content of requests, complete or not.
 */
export async function startApp() {
  const reached: Reached[] = []
  const seen = { bytes: 0 }
  const app = spawn('python3', [join(ROOT, 'tests/forward-auth/app.py')], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const killed = once(app, 'close')
  const port = await new Promise<number>((resolve, reject) => {
    app.once('error', reject)
    createInterface({ input: app.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Said
      if (said.port !== undefined) resolve(said.port)
      seen.bytes += said.bytes ?? 0
      if (said.reached === undefined) return
      reached.push(said.reached)
      app.stdin.write('\n')
    })
  })
  const close = async (): Promise<void> => {
    app.kill('SIGKILL')
    await killed
  }
  return { port, reached, seen, close }
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
