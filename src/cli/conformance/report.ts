import { wrap } from '../help.ts'
import { whyLeftOut } from './finding.ts'
import type { Row } from './finding.ts'

const LINE = 80
const WORDS = { ok: 'ok', note: 'note', fail: 'FAIL', skipped: 'skipped' } as const
const COLORS = { ok: 32, note: 33, fail: 31, skipped: 90 } as const
const WIDTHS = { word: 7, check: 15, did: 25 }
/** Aligns the advice with the name of the check. */
const ADVICE = ' '.repeat(2 + WIDTHS.word + 2)
const ARROW = '-> '

export function describeHeading(): string {
  return `${inColumns('', 'CHECK', 'WHAT IT DID', 'WHAT WITH-AUTH DOES')}\n`
}

export function describeRow(row: Row, colors: boolean): string {
  const { check, did, wrapper, change, result } = row
  const word = WORDS[result]
  const line = inColumns(word, check, did, result === 'skipped' ? '' : wrapper)
  const shown = colors ? line.replace(word, `\u{1b}[${COLORS[result]}m${word}\u{1b}[0m`) : line
  const advice = wrap(change ?? '', LINE - ADVICE.length - ARROW.length)
  const below = advice.map((text, at) => `${ADVICE}${at === 0 ? ARROW : '   '}${text}\n`)
  return `${shown}\n${below.join('')}`
}

export function conclude(rows: readonly Row[]): string {
  const count = (result: Row['result']): number =>
    rows.filter((row) => row.result === result).length
  const notes = count('note')
  const counts = [
    `${count('ok')} ok`,
    notes === 0 ? '' : `${notes} ${notes === 1 ? 'note' : 'notes'}`,
    `${count('fail')} failed`,
    count('skipped') === 0 ? '' : `${count('skipped')} skipped`,
  ]
  return `${describeStop(rows)}${counts.filter((text) => text !== '').join(', ')}\n`
}

export function isConformant(rows: readonly Row[]): boolean {
  return rows.every(({ result }) => result !== 'fail')
}

function describeStop(rows: readonly Row[]): string {
  const why = rows.map(whyLeftOut).find((reason) => reason !== undefined)
  return why === undefined ? '' : `Stopped: ${why}.\n`
}

function inColumns(word: string, check: string, did: string, wrapper: string): string {
  const start = `  ${word.padEnd(WIDTHS.word)}  ${check.padEnd(WIDTHS.check)}  `
  const line = `${start}${did.padEnd(WIDTHS.did)}  ${wrapper}`.trimEnd()
  if (line.length <= LINE) return line
  return `${start}${did}\n${' '.repeat(start.length)}${wrapper}`.trimEnd()
}
