import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { findFreePort } from '../tests/support/loopback.ts'
import { startProxy } from '../tests/forward-auth/proxied-app.ts'
import { spawnProgram } from '../tests/support/spawned-program.ts'

/**
 * Requests per second through nginx with forward auth that caches, through nginx `auth_request` to an endpoint without a cache, and
 * through the gateway, as parts of nginx without authentication, in one run. The rounds take turns.
 *
 * Run after `npm run build`: tests/runtimes/node_modules/node24/bin/node bench/forward-auth.ts [SECONDS [DELAY_MS]]
 */

const SECONDS = Number(process.argv[2] ?? 4)
/** How long the endpoint takes for an answer. */
const DELAY_MS = process.argv[3] ?? '0'
const ROUNDS = 3
const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'with-auth-bench-'))
const cli = join(import.meta.dirname, '../dist/cli.js')
const programs: { readonly kill: (signal: 'SIGKILL') => void }[] = []

async function start(args: readonly string[], ready: RegExp): Promise<number> {
  // Nobody reads the log, which would take time from the others.
  const silent = ['-c', 'exec "$0" "$@" > /dev/null', process.execPath, ...args]
  const program = spawnProgram('sh', silent, { cwd: folder })
  programs.push(program)
  const [, port] = await program.printed(ready)
  return Number(port)
}

const endpoint = await start(
  [join(import.meta.dirname, 'app/endpoint-node.js'), DELAY_MS],
  /on (\d+)/,
)
writeFileSync(
  join(folder, 'run.yaml'),
  `server:
  auth:
    endpoint: http://127.0.0.1:${endpoint}/
    context: { headers: [], params: none }
    cache: { allow_ttl_ms: 60000 }
`,
)
const app = await findFreePort()
/** The server behind all of them is nginx too, and the same. */
const behind = (config: string): string =>
  `${config}\nserver { listen 127.0.0.1:${app} reuseport; location / { return 200 "ok"; } }\n`
const from = (name: string): string[] => [
  cli,
  name,
  '--config',
  join(folder, 'run.yaml'),
  '--port=0',
]
const listening = / on http:\/\/127\.0\.0\.1:(\d+)/
const forwardAuth = await start([...from('forward-auth'), '--for', 'nginx'], listening)
const gateway = await start(
  [...from('gateway'), '--upstream', `http://127.0.0.1:${app}`],
  listening,
)
const cached = await startProxy('nginx', { auth: forwardAuth, app }, behind)
const uncached = await startProxy('nginx', { auth: endpoint, app })
const open = await startProxy('nginx', { auth: endpoint, app }, (config) =>
  config.replace('location / {', 'location / { auth_request off;'),
)

const contestants: Readonly<Record<string, string>> = {
  'nginx without authentication': open.url,
  'nginx with forward auth, cached': cached.url,
  'nginx auth_request, no cache': uncached.url,
  'the gateway, cached': `http://127.0.0.1:${gateway}`,
}

async function measure(url: string): Promise<number> {
  const args = ['-t1', '-c32', `-d${SECONDS}s`, '-H', 'Authorization: Bearer good', `${url}/v1/a`]
  const { stdout } = await run('wrk', args)
  if (stdout.includes('Non-2xx')) throw new Error(`${url} rejected requests: ${stdout}`)
  return Number(/Requests\/sec: +([\d.]+)/.exec(stdout)?.[1])
}

function median(values: readonly number[] = []): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN
}

async function measureAll(rates: ReadonlyMap<string, number[]>): Promise<void> {
  for (const [name, url] of Object.entries(contestants)) rates.get(name)?.push(await measure(url))
}

try {
  const rates = new Map<string, number[]>(Object.keys(contestants).map((name) => [name, []]))
  for (let round = 0; round < ROUNDS; round += 1) await measureAll(rates)
  const base = median(rates.get('nginx without authentication'))
  for (const [name, values] of rates) {
    process.stdout.write(`${name.padEnd(34)}${(median(values) / base).toFixed(2)}\n`)
  }
} finally {
  await Promise.all([cached, uncached, open].map(({ stop }) => stop()))
  for (const program of programs) program.kill('SIGKILL')
  rmSync(folder, { recursive: true })
}
