import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Load } from '../matches.ts'

const SCRIPT = join(import.meta.dirname, '../app/load.lua')
const run = promisify(execFile)
let runs = 0

/** The result of one run of wrk. Times are in microseconds. */
export interface LoadResult {
  readonly requests: number
  readonly microseconds: number
  readonly refused: number
  readonly broken: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

/** Sends requests from one thread as fast as the server responds. */
export async function sendLoad(url: string, load: Load, seconds: number): Promise<LoadResult> {
  runs += 1
  const env = {
    ...process.env,
    BENCH_TOKENS: load.tokens,
    BENCH_HEADERS: String(load.headers),
    BENCH_RUN: `${Date.now()}`.slice(-8) + String(runs % 10_000).padStart(4, '0'),
  }
  const args = ['-t1', `-c${load.connections}`, `-d${seconds}s`, '-s', SCRIPT, url]
  const { stdout } = await run('wrk', args, { env }).catch(explain)
  const found = /^BENCH (.*)$/m.exec(stdout)?.[1]
  if (found === undefined) throw new Error(`wrk printed no result: ${stdout}`)
  return JSON.parse(found) as LoadResult
}

function explain(error: NodeJS.ErrnoException): never {
  if (error.code === 'ENOENT') throw new Error('wrk is not installed: apt-get install wrk')
  throw error
}
