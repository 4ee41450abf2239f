import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawCharts } from './charts.ts'
import { conclude, listMisses, tabulate } from './conclusions.ts'
import { renderTable, toMarkdown } from './table.ts'
import type { GoalResult, Section } from './section.ts'

const ROOT = join(import.meta.dirname, '..')
const BLOCK = /(?<=<!-- bench: begin -->\n).*(?=<!-- bench: end -->)/s
const INTRODUCTION = `\`npm run bench -- --write\` writes this page, [docs/performance.md](../docs/performance.md) and its charts from
[results.json](results.json), which also has requests per second, latency, memory and calls of the endpoint. Everything runs on one
machine, over loopback: wrk with one thread, the server, and the auth endpoint on Bun. The contestants of a table run in turn, round
after round. Before that, each one is checked: which requests it rejects and allows, and how often it asks the endpoint.

Figures are the server's CPU time for a request in its best round, since other processes can only add to it. A share is the CPU time
of one contestant as a part of another's. On a shared machine it moves by up to a third from run to run: the ratios of
\`tests/runtimes/costs.test.ts\`, in one process, move by a twentieth. [PROFILE.md](PROFILE.md) says where the time goes, and why
goals are missed.
`

/** The files that show the results, by their paths in the package: two pages and the charts. */
export function renderAll(sections: readonly Section[]): ReadonlyMap<string, string> {
  const conclusions = conclude(sections).map((line) => `- ${line}\n`)
  const performance = readFileSync(join(ROOT, 'docs/performance.md'), 'utf8')
  return new Map([
    ['bench/RESULTS.md', renderPage(sections, conclusions)],
    ['docs/performance.md', performance.replace(BLOCK, () => renderBlock(sections))],
    ...drawCharts(sections),
  ])
}

function renderBlock(sections: readonly Section[]): string {
  return `\n${toMarkdown(tabulate(sections))}\n\n`
}

function renderPage(sections: readonly Section[], conclusions: readonly string[]): string {
  const misses = toMarkdown([['measured', 'goal', 'found'], ...listMisses(sections)])
  const head = ['# What it costs\n', conclusions.join(''), INTRODUCTION]
  const tables = sections.filter(({ rows }) => rows === undefined).map(renderSection)
  const texts = [...tables, ...renderMatches(sections)].map((text) => `${text}\n`)
  return [...head, `## Missed goals\n\n${misses}\n`, ...texts].join('\n')
}

/** A table for each match, with a row for each contestant and a column for each runtime. */
function renderMatches(sections: readonly Section[]): string[] {
  const matches = new Map<string, Section[]>()
  for (const section of sections.filter(({ rows }) => rows !== undefined)) {
    const title = titleOf(section.heading)
    matches.set(title, [...(matches.get(title) ?? []), section])
  }
  return [...matches].map(([title, runs]) => {
    const names = new Set(runs.flatMap(({ rows = [] }) => rows.map(({ name }) => name)))
    const table = [...names].map((name) => [name, ...runs.map((run) => cellOf(run, name))])
    const runtimes = runs.map(({ heading }) => heading.slice(title.length + 2) || 'Node 24')
    const days = new Set(
      runs.flatMap(({ note = '' }) => /\d{4}-\d\d-\d\d(?=, \d+ cores)/.exec(note) ?? []),
    )
    const measured = `Measured on ${[...days].join(' and ')}.`
    return `## ${title}\n\n${measured}\n\n${toMarkdown([['', ...runtimes], ...table])}`
  })
}

function cellOf({ rows = [] }: Section, name: string): string {
  const row = rows.find((one) => one.name === name)
  return row === undefined ? '-' : `${row.cpuMicroseconds.toFixed(1)} µs`
}

function titleOf(heading: string): string {
  return heading.replace(/: (?:Node \d+|\w+)$/, '')
}

export function renderSection({ heading, note, rows = [], goals }: Section): string {
  const texts =
    rows.length === 0
      ? [renderGoalTable(goals)]
      : [note, renderTable(rows), goals.map(renderGoal).join('\n')]
  return [`## ${heading}`, ...texts].filter(Boolean).join('\n\n')
}

function renderGoalTable(goals: readonly GoalResult[]): string {
  const rows = goals.map(({ goal, found, isReached }) => [
    goal,
    found,
    isReached ? 'yes' : '**no**',
  ])
  return toMarkdown([['goal', 'found', 'reached'], ...rows])
}

function renderGoal({ goal, limit, found, isReached }: GoalResult): string {
  return `- ${goal}: ${limit}. Found: ${found}${isReached ? '' : ' (**missed**)'}.`
}
