import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('figures.json', import.meta.url)

/** Off by default: each run would change the repository. */
export const isRecording = process.env.WITH_AUTH_FIGURES === '1'

/**
 * Writes the figures of some runs, with the date of today. The figures of other runs stay.
 * @param {Readonly<Record<string, object>>} reports
 */
export function writeFigures(reports) {
  write((figures) => ({ ...figures, ...dated(reports) }))
}

/**
 * Writes the figures of some parts of a run, each with the date of today. The figures of other parts stay.
 * @param {string} name
 * @param {Readonly<Record<string, object>>} parts
 */
export function writeParts(name, parts) {
  write((figures) => ({ ...figures, [name]: { ...figures[name], ...dated(parts) } }))
}

function dated(reports) {
  const measured = new Date().toISOString().slice(0, 10)
  return Object.fromEntries(
    Object.entries(reports).map(([name, facts]) => [name, { measured, ...facts }]),
  )
}

function write(change) {
  const figures = change(JSON.parse(readFileSync(FILE, 'utf8')))
  writeFileSync(FILE, `${JSON.stringify(figures, null, 2)}\n`)
}
