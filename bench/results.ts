import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderAll } from './pages.ts'
import type { Section } from './section.ts'

const ROOT = join(import.meta.dirname, '..')
const DATA = join(import.meta.dirname, 'results.json')

/** Replaces the sections with the same heading, sorts all by `order`, and writes the data and all that is made from them. */
export function writeSections(made: readonly Section[], order: (heading: string) => number): void {
  const all = new Map([...readSections(), ...made].map((section) => [section.heading, section]))
  const sections = [...all.values()].toSorted((a, b) => order(a.heading) - order(b.heading))
  writeFileSync(DATA, `${JSON.stringify(sections, null, 2)}\n`)
  for (const [file, text] of renderAll(sections)) writeFileSync(join(ROOT, file), text)
}

function readSections(): readonly Section[] {
  return JSON.parse(readFileSync(DATA, 'utf8')) as Section[]
}
