import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A part of the page, under its heading. */
export interface Section {
  readonly heading: string
  readonly text: string
}

const FILE = join(import.meta.dirname, 'RESULTS.md')
const HEADING = /^## /m
const INTRODUCTION = `# What it costs

Written by \`npm run bench -- --write\`; a part that is measured anew takes the place of the old one. Everything runs on
one machine, over loopback: wrk with one thread, the server, and the auth endpoint. Contestants of a table are measured in turn, round
after round, each of them checked before: whom it refuses, whom it allows, and how often it asks the endpoint.

- **requests/s**, **p50**, **p99**: the median of the rounds.
- **of the first**: compared with the first line in the same round; the median, and the least and the most.
- **CPU a request**: of the server, in the round where it was lowest, since neighbours on the machine can only add to it.
  The column beside it compares it with that of the first line. This is the steadiest figure.
- **endpoint calls**: for each request. **endpoint busy**: how much of one core the endpoint used; it runs on Bun.
- **memory**: resident, after the last round.
`

/** Puts sections in the place of those with the same heading, in the order of `headings`. */
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
