import { writeFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { whyMissing } from '../support/installed.ts'
import { findFreePort } from '../support/loopback.ts'
import { readJson, readText, sorted } from '../support/project.ts'
import { ENGINES } from '../support/redis-servers.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { createScenes, endScenes } from './scenes.ts'
import type { Started } from './scenes.ts'

/** Each alert is provoked on the real commands, and evaluated by a real Prometheus, with every duration divided by 30. */

const FASTER = 30
const hasEngine = ENGINES.length > 0
const missing =
  whyMissing(['prometheus', '--version'], 'prometheus') ?? (hasEngine ? undefined : 'no engine')
const TIMES = { tags: ['slow'], timeout: 300_000 }

interface Dashboard {
  readonly panels: readonly { readonly targets: readonly { readonly expr: string }[] }[]
}

/** The expressions of the dashboard, about all jobs and a short time. */
const PANELS = readJson<Dashboard>('examples/grafana/with-auth.json')
  .panels.flatMap(({ targets }) => targets)
  .map(({ expr }) => expr.replaceAll('$job', '.*').replaceAll('$__rate_interval', '30s'))

const pathOf = setupFolder()
const SCENES = createScenes(pathOf)

let prometheus: ReturnType<typeof spawnProgram> | undefined
let origin = ''

/** The rules with shorter durations. */
function shortened(rules: string): string {
  const seconds = { s: 1, m: 60, h: 3600, d: 86_400 }
  const pattern = /(?<=\[|for: )(\d+)([smhd])(?=\]|$)/gm
  return rules.replaceAll(
    pattern,
    (_, count: string, unit: keyof typeof seconds) =>
      `${Math.ceil((Number(count) * seconds[unit]) / FASTER)}s`,
  )
}

async function startPrometheus(targets: readonly (readonly [string, string])[]): Promise<void> {
  writeFileSync(
    pathOf('with-auth.rules.yml'),
    shortened(readText('examples/prometheus/with-auth.rules.yml')),
  )
  const config = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: ['with-auth.rules.yml'],
    scrape_configs: [
      {
        job_name: 'with-auth',
        static_configs: targets.map(([instance, url]) => ({
          targets: [new URL(url).host],
          labels: { instance },
        })),
      },
    ],
  }
  writeFileSync(pathOf('prometheus.yml'), stringify(config))
  const address = `127.0.0.1:${await findFreePort()}`
  origin = `http://${address}`
  prometheus = spawnProgram(
    'prometheus',
    [
      `--config.file=${pathOf('prometheus.yml')}`,
      `--storage.tsdb.path=${pathOf('tsdb')}`,
      `--web.listen-address=${address}`,
    ],
    { cwd: pathOf('.') },
  )
  await prometheus.printed(/Server is ready to receive web requests/)
}

interface Alert {
  readonly state: string
  readonly labels: { readonly alertname: string; readonly instance: string }
}

async function firing(): Promise<readonly Alert[]> {
  const response = await fetch(`${origin}/api/v1/alerts`)
  const { data } = (await response.json()) as { data: { alerts: readonly Alert[] } }
  return data.alerts.filter(({ state }) => state === 'firing')
}

async function query(expr: string): Promise<number> {
  const response = await fetch(`${origin}/api/v1/query?query=${encodeURIComponent(expr)}`)
  const { data } = (await response.json()) as {
    data: { result: readonly { value: readonly [number, string] }[] }
  }
  return Number(data.result[0]?.value[1])
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

afterAll(async () => {
  prometheus?.kill('SIGKILL')
  await prometheus?.ended
  await endScenes()
})

/** All alerts that have fired, by their process. */
class Fired {
  readonly #fired = new Map<string, Set<string>>(SCENES.map(({ name }) => [name, new Set()]))

  async watch(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second += 1) {
      // oxlint-disable no-await-in-loop -- one look after the other
      await pause(1000)
      for (const { labels } of await firing()) {
        this.#fired.get(labels.instance)?.add(labels.alertname)
      }
    }
  }

  read(): Readonly<Record<string, readonly string[]>> {
    return Object.fromEntries([...this.#fired].map(([name, alerts]) => [name, sorted(alerts)]))
  }
}

/** Calls each load several times in a second. The returned function ends that. */
function keepLoads(started: readonly Started[]): () => Promise<unknown> {
  const over = new AbortController()
  const keep = async (load: () => Promise<unknown>): Promise<void> => {
    while (!over.signal.aborted) {
      await load().catch(() => undefined)
      await pause(250)
    }
  }
  const loads = started.flatMap(({ load }) => (load === undefined ? [] : [keep(load)]))
  return () => {
    over.abort()
    return Promise.all(loads)
  }
}

it.skipIf(missing)(
  `each alert fires for what it is about, no other does, and each panel has data (${missing ?? 'checked'})`,
  TIMES,
  async () => {
    const started = await Promise.all(SCENES.map(({ start }) => start()))
    await startPrometheus(SCENES.map(({ name }, index) => [name, started[index]?.metrics ?? '']))
    const endLoads = keepLoads(started)
    const fired = new Fired()
    while ((await query('count(up == 1)')) !== SCENES.length) await pause(500)
    // So that each counter was seen before it grows.
    await fired.watch(3)
    await Promise.all(started.map((scene) => scene.break?.()))
    const expected = Object.fromEntries(SCENES.map(({ name, alerts }) => [name, alerts]))
    const deadline = Date.now() + 120_000
    const isDone = (): boolean => JSON.stringify(fired.read()) === JSON.stringify(expected)
    while (!isDone() && Date.now() < deadline) await fired.watch(1)
    // An alert that fires by mistake may need as long.
    await fired.watch(20)
    const panels = await Promise.all(PANELS.map(async (expr) => [expr, await query(expr)] as const))
    await endLoads()
    expect(fired.read()).toEqual(expected)
    expect(panels.filter(([, value]) => Number.isNaN(value))).toEqual([])
  },
)
