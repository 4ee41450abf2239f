import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('figures.json', import.meta.url)

/** Off by default: each run would change the repository. */
export const isRecording = process.env.WITH_AUTH_FIGURES === '1'

/**
 * Writes the figures of some runs, with the date of today. The figures of other runs stay.
 * @param {Readonly<Record<string, object>>} reports
 */
export function writeFigures(reports) {
  const figures = JSON.parse(readFileSync(FILE, 'utf8'))
  const measured = new Date().toISOString().slice(0, 10)
  for (const [name, facts] of Object.entries(reports)) figures[name] = { measured, ...facts }
  writeFileSync(FILE, `${JSON.stringify(figures, null, 2)}\n`)
}
