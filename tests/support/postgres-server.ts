import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { whyMissing } from './installed.ts'
import { findFreePort } from './loopback.ts'

/** A PostgreSQL server from Debian, in a folder of its own. */
export interface PostgresServer {
  /** Makes an empty database, and returns its URL. */
  readonly createDatabase: () => Promise<string>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Starts the server again on the same port, after `stop`. */
  readonly start: () => Promise<void>
  /** Ends the server as a crash does. */
  readonly stop: () => Promise<void>
  /** Ends the server, and removes its folder. */
  readonly remove: () => Promise<void>
}

const ROOT = '/usr/lib/postgresql'
const versions = existsSync(ROOT) ? readdirSync(ROOT).map(Number) : []
const BIN = join(ROOT, String(Math.max(0, ...versions)), 'bin')

/** Why there is no server; `undefined` if it is installed. */
export const POSTGRES_MISSING = whyMissing([join(BIN, 'postgres'), '--version'], 'postgresql')

// PostgreSQL does not run as root. The package makes this user.
const owner = process.getuid?.() === 0 ? { uid: idOf('-u'), gid: idOf('-g') } : {}

function idOf(option: string): number {
  return Number(execFileSync('id', [option, 'postgres'], { encoding: 'utf8' }))
}

export async function startPostgres(): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-postgres-'))
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  for (const path of 'uid' in owner ? [folder, data] : []) {
    chownSync(path, owner.uid ?? 0, owner.gid ?? 0)
  }
  const env = { PATH: process.env['PATH'], LC_ALL: 'C.UTF-8' }
  const setup = ['-D', data, '-U', 'admin', '-A', 'trust', '--no-sync', '-E', 'UTF8']
  execFileSync(join(BIN, 'initdb'), setup, { ...owner, env, cwd: folder, stdio: 'ignore' })
  const port = await findFreePort()
  const urlOf = (name: string): string => `postgres://admin@127.0.0.1:${port}/${name}`
  const args = ['-D', data, '-p', String(port), '-k', folder, '-h', '127.0.0.1', '-F']
  let child: ReturnType<typeof spawn> | undefined
  let count = 0
  const kill = (): void => void child?.kill('SIGKILL')
  process.once('exit', kill)
  const run = async (name: string, sql: string): Promise<void> => {
    const client = new Client({ connectionString: urlOf(name) })
    client.on('error', () => undefined)
    await client.connect()
    await client.query(sql)
    await client.end()
  }
  const stop = async (): Promise<void> => {
    if (child === undefined) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    // An immediate shutdown: all its processes end, without a checkpoint.
    child.kill('SIGQUIT')
    await ended
    child = undefined
  }
  const start = async (): Promise<void> => {
    child = spawn(join(BIN, 'postgres'), args, {
      ...owner,
      env,
      cwd: folder,
      stdio: 'ignore',
    })
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const isUp = await run('postgres', 'select 1').then(
        () => true,
        () => false,
      )
      if (isUp) return
      await sleep(50)
    }
    throw new Error('PostgreSQL did not start within 10 seconds')
  }
  await start()
  return {
    createDatabase: async () => {
      count += 1
      await run('postgres', `create database keys${count}`)
      return urlOf(`keys${count}`)
    },
    signal: (signal) => void child?.kill(signal),
    start,
    stop,
    remove: async () => {
      await stop()
      process.off('exit', kill)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
