import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A section of the page. */
export interface Section {
  readonly heading: string
  readonly text: string
}

const FILE = join(import.meta.dirname, 'RESULTS.md')
const HEADING = /^## /m
const INTRODUCTION = `# What it costs

Written by \`npm run bench -- --write\`, which replaces only the sections that it measures. Everything runs on one machine, over
loopback: wrk with one thread, the server, and the auth endpoint. The contestants of a table run in turn, round after round.
Before that, each one is checked: which requests it rejects and allows, and how often it asks the endpoint.

- **requests/s**, **p50**, **p99**: the median of the rounds.
- **of the first**: the ratio to the first row in the same round; the median, with the least and the most.
- **CPU a request**: the server's CPU time in its best round, since other processes can only add to it. The next column is its
  ratio to the first row. This is the steadiest figure.
- **endpoint calls**: per request. **endpoint busy**: the share of one core that the endpoint used; it runs on Bun.
- **memory**: resident, after the last round.
`

/** Replaces the sections with the same heading and sorts all by `order`. */
export function writeSections(made: readonly Section[], order: (heading: string) => number): void {
  const all = new Map([...readSections(), ...made].map((section) => [section.heading, section]))
  const sections = [...all.values()].toSorted((a, b) => order(a.heading) - order(b.heading))
  const texts = sections.map(({ heading, text }) => `## ${heading}\n\n${text.trim()}\n`)
  writeFileSync(FILE, [INTRODUCTION, ...texts].join('\n'))
}

function readSections(): Section[] {
  if (!existsSync(FILE)) return []
  const [, ...parts] = readFileSync(FILE, 'utf8').split(HEADING)
  return parts.map((part) => {
    const end = part.indexOf('\n')
    return { heading: part.slice(0, end), text: part.slice(end + 1) }
  })
}
