import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { drawCharts } from './charts.ts'
import { conclude, listMisses, tabulate } from './conclusions.ts'
import { renderTable, toMarkdown } from './table.ts'
import type { GoalResult, Section } from './section.ts'

const ROOT = join(import.meta.dirname, '..')
const BLOCK = /(?<=<!-- bench: begin -->\n).*(?=<!-- bench: end -->)/s
const INTRODUCTION = `\`npm run bench -- --write\` writes this page from \`results.json\`, and replaces only the sections that it measures. Everything runs
on one machine, over loopback: wrk with one thread, the server, and the auth endpoint. The contestants of a table run in turn,
round after round. Before that, each one is checked: which requests it rejects and allows, and how often it asks the endpoint.

- **requests/s**, **p50**, **p99**: the median of the rounds.
- **of the first**: the ratio to the first row in the same round; the median, with the least and the most.
- **CPU a request**: the server's CPU time in its best round, since other processes can only add to it. The next column is its
  ratio to the first row. This is the steadiest figure.
- **endpoint calls**: per request. **endpoint busy**: the share of one core that the endpoint used; it runs on Bun.
- **memory**: resident, after the last round.
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
  const { table, misses } = tabulate(sections)
  const list = misses.map((miss) => `- ${miss}\n`).join('')
  return `\n${toMarkdown(table)}\n\nOther goals that were missed:\n\n${list}\n`
}

function renderPage(sections: readonly Section[], conclusions: readonly string[]): string {
  const texts = sections.map((section) => `${renderSection(section)}\n`)
  const misses = toMarkdown([['measured', 'goal', 'found'], ...listMisses(sections)])
  const head = ['# What it costs\n', conclusions.join(''), INTRODUCTION]
  return [...head, `## Missed goals\n\n${misses}\n`, ...texts].join('\n')
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
