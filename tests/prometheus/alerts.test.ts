import { writeFileSync } from 'node:fs'
import { afterAll, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { whyMissing } from '../support/installed.ts'
import { findFreePort } from '../support/loopback.ts'
import { IS_NIGHTLY } from '../support/nightly.ts'
import { readJson, readText, sorted } from '../support/project.ts'
import { ENGINES } from '../support/redis-servers.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { createScenes, endScenes } from './scenes.ts'
import type { Scene, Started } from './scenes.ts'

/** Each alert is provoked on the real commands, and evaluated by a real Prometheus, with every duration divided by 30. */

const FASTER = 30
const hasEngine = ENGINES.length > 0
// On a machine that other tests keep busy, alerts about slow answers fire too.
const missing = IS_NIGHTLY
  ? (whyMissing(['prometheus', '--version'], 'prometheus') ?? (hasEngine ? undefined : 'no engine'))
  : 'not by day'
const TIMES = { tags: ['slow'], timeout: 480_000 }
const DOWN = 'WithAuthDown'

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

interface Series {
  readonly metric: { readonly instance?: string }
  readonly value: readonly [at: number, value: string]
}

async function query(expr: string): Promise<readonly Series[]> {
  const response = await fetch(`${origin}/api/v1/query?query=${encodeURIComponent(expr)}`)
  const { data } = (await response.json()) as { data: { result: readonly Series[] } }
  return data.result
}

async function hasData(expr: string): Promise<boolean> {
  const [series] = await query(expr)
  return series !== undefined && series.value[1] !== 'NaN'
}

async function withoutData(panels: readonly string[]): Promise<readonly string[]> {
  const found = await Promise.all(panels.map(hasData))
  return panels.filter((_, index) => found[index] === false)
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

  /** Looks each second, until a condition holds or it is too late. */
  async watch(isDone: () => boolean | Promise<boolean>, seconds: number): Promise<void> {
    const end = performance.now() + seconds * 1000
    // oxlint-disable no-await-in-loop -- one look after the other
    while (!(await isDone()) && performance.now() < end) {
      await pause(1000)
      for (const { labels } of await firing()) {
        this.#fired.get(labels.instance)?.add(labels.alertname)
      }
    }
  }

  has({ name, alerts }: Scene): boolean {
    return alerts.every((alert) => this.#fired.get(name)?.has(alert))
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
      // A call that hangs does not end the load.
      await Promise.race([load().catch(() => undefined), pause(5000)])
      await pause(250)
    }
  }
  const loads = started.flatMap(({ load }) => (load === undefined ? [] : [keep(load)]))
  return () => {
    over.abort()
    return Promise.all(loads)
  }
}

it('each alert has a process that provokes it', () => {
  const rules = readText('examples/prometheus/with-auth.rules.yml')
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)
  expect(new Set(SCENES.flatMap((scene) => scene.alerts))).toEqual(new Set(alerts))
})

it.skipIf(missing)(
  `each alert fires for what it is about, no other does, and each panel has data (${missing ?? 'checked'})`,
  TIMES,
  async () => {
    const started = await Promise.all(SCENES.map(({ start }) => start()))
    await startPrometheus(SCENES.map(({ name }, index) => [name, started[index]?.metrics ?? '']))
    const endLoads = keepLoads(started)
    const fired = new Fired()
    // So that each counter was seen before it grows.
    const isSeen = async (): Promise<boolean> =>
      (await query('sum_over_time(up[10m]) > 2')).length === SCENES.length
    await fired.watch(isSeen, 60)
    await Promise.all(started.map((scene) => scene.break?.()))
    await fired.watch(() => SCENES.every((scene) => fired.has(scene)), 240)
    // An alert that fires by mistake may need as long.
    await fired.watch(() => false, 20)
    let empty = await withoutData(PANELS)
    // A busy machine may have scraped nothing for the half minute that a rate looks back.
    await fired.watch(async () => (empty = await withoutData(empty)).length === 0, 60)
    // A busy machine may answer a scrape too late. Then it is right to say so.
    const late = await query('min_over_time(up[10m]) == 0')
    await endLoads()
    const found = fired.read()
    const isLate = (scene: string): boolean =>
      late.some(({ metric }) => metric.instance === scene) && found[scene]?.includes(DOWN) === true
    const expected = SCENES.map(({ name, alerts }) => {
      const all = new Set(isLate(name) ? [...alerts, DOWN] : alerts)
      return [name, sorted(all)] as const
    })
    expect(found).toEqual(Object.fromEntries(expected))
    expect(empty).toEqual([])
  },
)
