// `npm run bench -- [word ...] [--runtime name] [--quick] [--write]`: see CONTRIBUTING.md.
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { CONTESTANTS } from './contestants.ts'
import { findGoals, GOAL_TABLES } from './goals.ts'
import { findMatchGoals } from './goals/match-goals.ts'
import { MATCHES } from './matches.ts'
import { measure } from './measure.ts'
import { renderSection } from './pages.ts'
import { writeSections } from './results.ts'
import { createAppFolder } from './support/app-folder.ts'
import { createEndpoint } from './support/endpoint.ts'
import { summarise } from './summary.ts'
import type { Match } from './matches.ts'
import type { Effort, Measured } from './measure.ts'
import type { Section } from './section.ts'
import type { Endpoint } from './support/endpoint.ts'
import type { RuntimeId } from './support/runtimes.ts'

const QUICK: Effort = { rounds: 3, seconds: 1 }
const FULL: Effort = { rounds: 7, seconds: 1 }
const TITLES = MATCHES.map(({ title }) => title)

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string' },
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
})
const effort = values.quick ? QUICK : FULL
const selected = MATCHES.filter(({ id }) => isNamed(id)).flatMap((match) =>
  runtimesOf(match).map((runtime) => ({ match, runtime })),
)
const tables = (values.runtime === undefined ? GOAL_TABLES : [])
  .map(({ name, heading, goals }) => {
    const named = goals.filter(({ id }) => isNamed(`${name}/${id}`))
    return { heading, goals: named, isWhole: named.length === goals.length }
  })
  .filter(({ goals }) => goals.length > 0)
if (selected.length + tables.length === 0)
  throw new Error('Nothing is selected: see bench/matches.ts')

function isNamed(id: string): boolean {
  return positionals.length === 0 || positionals.some((word) => id.startsWith(word))
}

function runtimesOf({ runtimes, quick = [] }: Match): readonly RuntimeId[] {
  const some = values.quick && positionals.length === 0 ? quick : runtimes
  return some.filter((runtime) => values.runtime === undefined || runtime === values.runtime)
}

async function play(
  app: string,
  endpoint: Endpoint,
  match: Match,
  runtime: RuntimeId,
): Promise<Section> {
  const measured = await measure(match, runtime, app, endpoint, effort)
  const heading = headingOf(match, measured)
  const section = {
    heading,
    note: describe(measured),
    rows: summarise(measured),
    goals: findMatchGoals(match.id, runtime, measured),
  }
  print(`\n${renderSection(section)}`)
  return section
}

function headingOf({ title, contestants }: Match, measured: readonly Measured[]): string {
  const [first] = contestants
  const isOther = first !== undefined && 'server' in CONTESTANTS[first]
  // A heading has no patch version, since that changes.
  const runtime = /^(?:Node \d+|\w+)/.exec(measured[0]?.servedBy ?? '')?.[0]
  return isOther ? title : `${title}: ${runtime}`
}

function describe(measured: readonly Measured[]): string {
  const versions = [...new Set(measured.map(({ servedBy }) => servedBy))].join(', ')
  const date = new Date().toISOString().slice(0, 10)
  const machine = `${cpus().length} cores of ${cpus()[0]?.model.trim()}`
  return `${versions}. ${effort.rounds} rounds of ${effort.seconds} s, ${date}, ${machine}.`
}

function order(heading: string): number {
  return TITLES.findIndex((title) => heading === title || heading.startsWith(`${title}: `))
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

async function playAll(app: string, endpoint: Endpoint): Promise<void> {
  for (const { heading, goals, isWhole } of tables) {
    const section = { heading, goals: await findGoals(goals, { app, endpoint }) }
    print(`\n${renderSection(section)}`)
    // A table of some goals must not replace the table of all goals.
    if (values.write && isWhole) writeSections([section], order)
  }
  for (const { match, runtime } of selected) {
    const section = await play(app, endpoint, match, runtime)
    if (values.write) writeSections([section], order)
  }
}

const app = createAppFolder()
const endpoint = await createEndpoint(app)
try {
  await playAll(app, endpoint)
} finally {
  await endpoint.stop()
}
