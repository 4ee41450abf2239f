import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { close, isListening, listen } from '../support/loopback.ts'
import { ROOT } from '../support/project.ts'

/** A terminal in an empty folder in which `npm install with-auth` was run. */
export interface Session {
  /** Saves a file. */
  readonly save: (name: string, code: string) => void
  /** Runs commands. If the last one is a server, it runs on: its output is read once it is complete, or after half a minute. */
  readonly run: (code: string, isComplete?: (text: string) => boolean) => Promise<Output>
  /** Ends the shell and its servers. */
  readonly end: () => Promise<void>
}

export interface Output {
  /** Not 0 if a command has failed. */
  readonly status: number
  readonly text: string
  readonly isServer: boolean
}

/** The servers of the pages, with the ports that they listen on by default. */
const SERVERS: readonly (readonly [start: RegExp, port: number])[] = [
  [/^(?:\w+=(?:"[^"]*"|\S+) )*npx with-auth gateway\b/m, 8320],
  [/^(?:\w+=(?:"[^"]*"|\S+) )*npx with-auth endpoint\b/m, 8321],
  [/^npx srvx\b/m, 3000],
  [/^python3 app\.py\b/m, 8000],
]
const PORTS = SERVERS.map(([, port]) => port)
const PACKAGES = ['srvx', 'hono', '@hono/node-server', 'undici']
const START_MS = 30_000

// `curl` shows its progress where the output is not a terminal.
const PRELUDE = `
npx() { "$@"; }
npm() { :; }
curl() { command curl -sS "$@"; }
trap 'failed=1' ERR
`

export async function startSession(): Promise<Session> {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-page-'))
  const steps = mkdtempSync(join(tmpdir(), 'with-auth-steps-'))
  const bin = install(folder)
  const ports = await findPorts()
  const onFreePorts = (text: string): string => replaceAll(text, ports)
  const env = {
    PATH: `${bin}:${process.env['PATH']}`,
    HOME: folder,
    NO_PROXY: '*',
    NO_COLOR: '1',
  }
  // A group of its own, so that its servers end with it.
  const shell = spawn('bash', [], {
    cwd: folder,
    env,
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(shell, 'close')
  const closed = ended.then(() => Promise.reject(new Error('A command ended the shell')))
  closed.catch(() => undefined)
  const killGroup = (): void => {
    try {
      process.kill(-(shell.pid ?? Number.NaN), 'SIGKILL')
    } catch {
      // All of them have ended.
    }
  }
  process.once('exit', killGroup)
  let printed = ''
  shell.stdout.setEncoding('utf8').on('data', (text) => (printed += String(text)))
  shell.stdin.write(PRELUDE)

  /** Gives the shell one line, which prints a number at its end. */
  const ask = async (line: string): Promise<number> => {
    printed = ''
    shell.stdin.write(`${line}\n`)
    while (!printed.endsWith('\n')) await Promise.race([once(shell.stdout, 'data'), closed])
    return Number(printed)
  }

  const running = new Map<number, number>()
  let count = 0
  const source = async (code: string, suffix: string): Promise<Omit<Output, 'isServer'>> => {
    count += 1
    const file = join(steps, String(count))
    writeFileSync(file, onFreePorts(code))
    writeFileSync(`${file}.out`, '')
    const status = await ask(`failed=0; . ${file} > ${file}.out 2>&1 < /dev/null ${suffix}`)
    return { status, text: readFileSync(`${file}.out`, 'utf8') }
  }

  const run = async (code: string, isComplete = (_text: string) => true): Promise<Output> => {
    const server = findServer(code)
    const before = code.slice(0, server?.index)
    const output = await source(before, '; echo $failed')
    const text = (): string => replaceAll(output.text, invert(ports))
    if (server === undefined) return { ...output, text: text(), isServer: false }
    if (output.status !== 0) return { ...output, text: text(), isServer: true }
    const port = ports.get(server.port) ?? 0
    const old = running.get(port)
    // The reader stops it with Ctrl-C.
    if (old !== undefined) process.kill(old, 'SIGKILL')
    const started = await source(server.command, '& echo $!')
    running.set(port, started.status)
    const log = join(steps, `${count}.out`)
    const all = (): string => replaceAll(output.text + readFileSync(log, 'utf8'), invert(ports))
    const isUp = await waitUntil(() => isListening(port))
    // A server prints its address only after it listens.
    if (isUp) await waitUntil(() => isComplete(all()))
    return { status: isUp ? 0 : 1, text: all(), isServer: true }
  }

  return {
    save: (name, code) => writeFileSync(join(folder, name), onFreePorts(code)),
    run,
    end: async () => {
      process.off('exit', killGroup)
      killGroup()
      await ended
      rmSync(folder, { recursive: true })
      rmSync(steps, { recursive: true })
    },
  }
}

/** Does offline what `npm install with-auth` does. Returns the folder of the commands. */
function install(folder: string): string {
  const modules = join(folder, 'node_modules')
  const bin = join(modules, '.bin')
  mkdirSync(join(modules, '@hono'), { recursive: true })
  mkdirSync(bin)
  symlinkSync(ROOT, join(modules, 'with-auth'), 'junction')
  for (const name of PACKAGES) {
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name), 'junction')
  }
  symlinkSync(join(ROOT, 'node_modules/.bin/srvx'), join(bin, 'srvx'))
  const command = join(bin, 'with-auth')
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${ROOT}dist/cli.js" "$@"\n`)
  chmodSync(command, 0o755)
  return bin
}

interface FoundServer {
  readonly index: number
  readonly port: number
  readonly command: string
}

function findServer(code: string): FoundServer | undefined {
  for (const [start, port] of SERVERS) {
    const { index, 0: begin = '' } = start.exec(code) ?? {}
    if (index === undefined) continue
    const line = code.slice(index).trim().replace(/ &$/, '')
    const needsPort = begin.includes('npx') && !line.includes('--port')
    const command = (needsPort ? line.replace(begin, `${begin} --port ${port}`) : line)
      // In the background, so that its process id is known.
      .replace(/npx |(?=python3)/, 'exec ')
    return { index, port, command: `${command}\n` }
  }
  return undefined
}

/** A free port for each port of the pages. */
async function findPorts(): Promise<ReadonlyMap<number, number>> {
  const servers = PORTS.map(() => createServer())
  const free = await Promise.all(servers.map((server) => listen(server)))
  await Promise.all(servers.map((server) => close(server)))
  return new Map(PORTS.map((port, index) => [port, free[index] ?? 0]))
}

function invert(ports: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return new Map([...ports].map(([from, to]) => [to, from]))
}

function replaceAll(text: string, ports: ReadonlyMap<number, number>): string {
  const pattern = new RegExp(`\\b(?:${[...ports.keys()].join('|')})\\b`, 'g')
  return text.replace(pattern, (port) => String(ports.get(Number(port))))
}

async function waitUntil(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  const end = performance.now() + START_MS
  while (performance.now() < end) {
    if (await condition()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}
