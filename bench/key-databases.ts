import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Pool } from 'pg'
import { postgresKeys, sqliteKeys } from '../src/keys.ts'
import { POSTGRES_MISSING, startPostgres } from '../tests/support/postgres-server.ts'
import type { KeyStore, StoredKey } from '../src/keys.ts'

/**
 * Look-ups among a million keys in SQLite and in PostgreSQL, and beside the latter what `select 1` costs in the same run: on one
 * machine the server and its client share the processor.
 *
 * Run: tests/runtimes/node_modules/node24/bin/node bench/key-databases.ts [KEYS]
 */

const KEYS = Number(process.argv[2] ?? 1_000_000)
const BATCH = 50_000
const ROUNDS = 5
const SQLITE_CALLS = 100_000
const POSTGRES_CALLS = 20_000
const CONCURRENT = 64

interface Result {
  readonly p50: number
  readonly p99: number
  readonly perSecond: number
  readonly cpu: number
}

type Call = () => unknown

function keyOf(index: number): StoredKey {
  return {
    id: `key_${index.toString(36).padStart(12, '0')}`,
    prefix: 'withauth_abcdef',
    principal: `user-${index % 100_000}`,
    attributes: { roles: ['reader', 'writer'] },
    created: '2026-01-01T00:00:00Z',
    sha256: hashOf(index),
  }
}

// Spreads the hashes as SHA-256 does, so that neighbours do not lie in one page. Multiplying by an odd number is one-to-one.
function hashOf(index: number): string {
  const spread = BigInt.asUintN(64, BigInt(index + 1) * 0x9e3779b97f4a7c15n)
  return spread.toString(16).padStart(16, '0').repeat(4)
}

function anyHash(): string {
  return hashOf(Math.floor(Math.random() * KEYS))
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

async function fill(store: KeyStore): Promise<number> {
  const startedAt = performance.now()
  for (let first = 0; first < KEYS; first += BATCH) {
    const length = Math.min(BATCH, KEYS - first)
    await store.insertAll(Array.from({ length }, (_, index) => keyOf(first + index)))
  }
  return (performance.now() - startedAt) / 1000
}

/** Makes `calls` calls, of which `concurrent` are under way at any time. */
async function measure(calls: number, concurrent: number, call: Call): Promise<Result> {
  const times = new Float64Array(calls)
  let next = 0
  const work = async (): Promise<void> => {
    while (next < calls) {
      const index = next
      next += 1
      const startedAt = performance.now()
      await call()
      times[index] = performance.now() - startedAt
    }
  }
  const usage = process.cpuUsage()
  const startedAt = performance.now()
  await Promise.all(Array.from({ length: concurrent }, work))
  const elapsed = performance.now() - startedAt
  const { user, system } = process.cpuUsage(usage)
  times.sort()
  const quantile = (part: number): number => 1000 * (times[Math.floor(part * calls)] ?? NaN)
  return {
    p50: quantile(0.5),
    p99: quantile(0.99),
    perSecond: (1000 * calls) / elapsed,
    cpu: (user + system) / calls,
  }
}

/** Measures several calls in turn, after one round to warm up. Prints for each the median of its rounds by p99. */
async function compare(
  calls: number,
  concurrent: number,
  named: Readonly<Record<string, Call>>,
): Promise<void> {
  const entries = Object.entries(named)
  const rounds = new Map(entries.map(([name]) => [name, [] as Result[]]))
  for (const [, call] of entries) await measure(calls, concurrent, call)
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, call] of entries) {
      rounds.get(name)?.push(await measure(calls, concurrent, call))
    }
  }
  for (const [name, results] of rounds) {
    const sorted = results.toSorted((one, other) => one.p99 - other.p99)
    const [best, median] = [sorted[0], sorted[Math.floor(sorted.length / 2)]]
    if (best !== undefined && median !== undefined) print(name, median, best.p99)
  }
}

function print(name: string, { p50, p99, perSecond, cpu }: Result, bestP99: number): void {
  const figures = [
    `p50 ${p50.toFixed(1)} µs`,
    `p99 ${p99.toFixed(1)} µs (best round ${bestP99.toFixed(1)} µs)`,
    `${Math.round(perSecond).toLocaleString('en')}/s`,
    `${cpu.toFixed(1)} µs of CPU in this process`,
  ]
  say(`  ${name}: ${figures.join(', ')}`)
}

async function benchSqlite(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-bench-'))
  const file = join(folder, 'keys.db')
  const store = sqliteKeys(file, { create: true })
  const seconds = await fill(store)
  await store.close()
  const reader = sqliteKeys(file)
  const perKey = statSync(file).size / KEYS
  say(`SQLite: filled in ${seconds.toFixed(1)} s, ${perKey.toFixed(0)} bytes a key`)
  await compare(SQLITE_CALLS, 1, {
    'a key that exists': () => reader.find(anyHash()),
    'a key that does not exist': () => reader.find(anyHash().replace(/^..../, 'ffff')),
  })
  await reader.close()
  rmSync(folder, { recursive: true })
}

async function benchPostgres(): Promise<void> {
  if (POSTGRES_MISSING !== undefined) return say(POSTGRES_MISSING)
  const server = await startPostgres()
  const pool = new Pool({ connectionString: await server.createDatabase(), max: 8 })
  const store = postgresKeys({
    query: (text, values, name) => pool.query({ text, values, ...(name && { name }) }),
  })
  await store.create?.()
  const seconds = await fill(store)
  await pool.query('vacuum analyze withauth_keys')
  const query = 'select pg_total_relation_size($1)::text as bytes'
  const { rows } = await pool.query<{ bytes: string }>(query, ['withauth_keys'])
  const perKey = Number(rows[0]?.bytes) / KEYS
  say(`PostgreSQL: filled in ${seconds.toFixed(1)} s, ${perKey.toFixed(0)} bytes a key`)
  for (const concurrent of [1, CONCURRENT]) {
    say(` ${concurrent} concurrent, 8 connections`)
    await compare(concurrent === 1 ? POSTGRES_CALLS / 4 : POSTGRES_CALLS, concurrent, {
      'select 1': () => pool.query('select 1'),
      'find a key': () => store.find(anyHash()),
    })
  }
  await pool.end()
  await server.remove()
}

say(`${KEYS.toLocaleString('en')} keys, Node ${process.versions.node}`)
await benchSqlite()
await benchPostgres()
