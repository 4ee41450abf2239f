import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { locate, versionOf } from './binaries.ts'
import type { ChildProcess } from 'node:child_process'
import type { Binary } from './binaries.ts'

/** A server to start, on a free port that it prints. */
export interface ServerCommand {
  readonly binary: Binary
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

export interface RunningServer {
  readonly url: string
  readonly pid: number
  readonly version: string
  /** The output so far. Complete once the server has been stopped. */
  readonly printed: () => string
  /** Stops reading its standard output until `resumeReading`. */
  readonly pauseReading: () => void
  readonly resumeReading: () => void
  /** Closes the pipe that its standard output goes to. */
  readonly stopReading: () => void
  readonly stop: () => Promise<void>
}

const START_MS = 40_000
const STOP_MS = 3_000
// Most print a URL; workerd writes a JSON message. The character after the port shows that the port is complete.
const PORT = /http:\/\/[^\s/]+:(\d+)[/\s]|"port":(\d+)[,}]/

const alive = new Set<ChildProcess>()
process.once('exit', () => alive.forEach((child) => child.kill('SIGKILL')))

/** Starts a server and waits until it says where it listens. */
export async function startServer(command: ServerCommand): Promise<RunningServer> {
  const version = versionOf(command.binary)
  const child = launch(command)
  const closed = once(child, 'close').finally(() => alive.delete(child))
  let printed = ''
  const port = new Promise<string>((resolve) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString()
      const match = PORT.exec(printed)
      if (match !== null) resolve(match[1] ?? match[2] ?? '')
    }
    for (const stream of child.stdio) stream?.on('data', read)
  })
  const ended = closed.then(() => {
    throw new Error(`${command.binary.name} does not serve. It printed: ${printed}`)
  })
  const url = `http://127.0.0.1:${await inTime(Promise.race([port, ended]), START_MS, child)}`
  const pid = child.pid ?? 0
  const signal = command.args.some((arg) => arg.endsWith('/srvx.mjs')) ? 'SIGKILL' : 'SIGTERM'
  return {
    url,
    pid,
    version,
    printed: () => printed,
    pauseReading: () => void child.stdout?.pause(),
    resumeReading: () => void child.stdout?.resume(),
    stopReading: () => child.stdout?.destroy(),
    stop: () => stop(child, closed, signal),
  }
}

// The server gets a clean environment. That of the tests may name an endpoint, a proxy or options for Node.
function launch({ binary, args, cwd, env }: ServerCommand): ChildProcess {
  const surroundings = { HOME: cwd, NO_COLOR: '1', NODE_ENV: 'production' }
  const child = spawn(locate(binary), args, {
    cwd,
    env: { ...surroundings, ...env },
    // workerd reports its state on the fourth.
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  })
  alive.add(child)
  return child
}

// The srvx command waits a second on SIGTERM even without open connections.
async function stop(
  child: ChildProcess,
  closed: Promise<unknown>,
  signal: NodeJS.Signals,
): Promise<void> {
  child.kill(signal)
  await inTime(closed, STOP_MS, child)
}

/** Waits for a process, and kills it after `limitMs`, which ends the wait. */
async function inTime<T>(pending: Promise<T>, limitMs: number, child: ChildProcess): Promise<T> {
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
  try {
    return await pending
  } finally {
    clearTimeout(timer)
  }
}

/** The memory of a process now, and its peak, in MB, from Linux. */
export function readMemory(pid: number): { now: number; peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return { now: readMegabytes(status, 'VmRSS'), peak: readMegabytes(status, 'VmHWM') }
}

function readMegabytes(status: string, name: string): number {
  const kilobytes = new RegExp(String.raw`^${name}:\s+(\d+) kB$`, 'm').exec(status)?.[1]
  if (kilobytes === undefined) throw new Error(`No ${name} in: ${status}`)
  return Math.round(Number(kilobytes) / 1024)
}
