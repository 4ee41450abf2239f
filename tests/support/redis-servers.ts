import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { whyMissing } from './installed.ts'
import { findFreePort } from './loopback.ts'
import { spawnProgram } from './spawned-program.ts'

export type EngineName = 'valkey' | 'redis'

/** The engines that are installed. */
export const ENGINES = (['valkey', 'redis'] as const).filter(
  (name) => whyMissing([`${name}-server`, '--version'], `${name}-server`) === undefined,
)

export interface RunningEngine {
  readonly url: string
  readonly port: number
  /** Ends it as a service manager does, and removes its folder. */
  readonly stop: () => Promise<void>
  /** Ends it as a power failure does. `startEngine` on the same port and folder brings it back. */
  readonly kill: () => Promise<void>
  /** SIGSTOP: its connections stay open, and nothing answers. */
  readonly pause: () => void
  readonly resume: () => void
  /** Where it keeps its snapshot. */
  readonly folder: string
}

const running = new Set<RunningEngine>()

/** Stops what a failed test has left. */
export async function stopEngines(): Promise<void> {
  await Promise.all([...running].map((engine) => engine.stop()))
}

export interface EngineOptions {
  /** @default a free port */
  readonly port?: number
  /** @default a new temporary folder */
  readonly folder?: string
  /** More directives of its configuration, such as `['--replicaof', '127.0.0.1', '6379']`. */
  readonly args?: readonly string[]
}

/** Writes a run.yaml whose store is at this URL, or that has none. Returns its name. */
export function writeStoreConfig(file: string, url?: string): string {
  const store =
    url === undefined ? '' : `, cache: {}, context: { headers: [] }, store: { url: "${url}" }`
  writeFileSync(file, `server: { auth: { endpoint: "https://auth.example.com/"${store} } }`)
  return file
}

/** Starts a Valkey or Redis on loopback, without persistence. Resolves when it accepts connections. */
export async function startEngine(
  name: EngineName,
  options: EngineOptions = {},
): Promise<RunningEngine> {
  if (options.port !== undefined) return startOn(options.port, name, options)
  const start = async (): Promise<RunningEngine> => startOn(await findFreePort(), name, options)
  // Another program may take the port before the engine does.
  return start().catch((error) => {
    if (String(error).includes('Address already in use')) return start()
    throw error
  })
}

async function startOn(
  port: number,
  name: EngineName,
  options: EngineOptions,
): Promise<RunningEngine> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'with-auth-engine-'))
  const directives = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const program = spawnProgram(`${name}-server`, [...directives, ...(options.args ?? [])], {
    cwd: folder,
  })
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    program.kill(signal)
    // A stopped process gets no other signal than SIGKILL.
    program.kill('SIGCONT')
    await program.ended
  }
  await program.printed(/Ready to accept connections/)
  const engine: RunningEngine = {
    url: `redis://127.0.0.1:${port}`,
    port,
    folder,
    stop: async () => {
      running.delete(engine)
      await end('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
    kill: () => end('SIGKILL'),
    pause: () => program.kill('SIGSTOP'),
    resume: () => program.kill('SIGCONT'),
  }
  running.add(engine)
  return engine
}
