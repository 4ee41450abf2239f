import type { Row } from './row.ts'

const HEADINGS = { check: 'CHECK', did: 'WHAT IT DID', wrapper: 'WHAT WITH-AUTH MAKES OF IT' }
const WORDS = { ok: 'ok', note: 'note', fail: 'FAIL', skipped: '-' } as const

/** The report as a table for people: what to change stands below its row. */
export function describeRows(rows: readonly Row[]): string {
  const width = (column: keyof typeof HEADINGS): number =>
    Math.max(HEADINGS[column].length, ...rows.map((row) => row[column].length))
  const widths = { check: width('check'), did: width('did') }
  const line = (word: string, { check, did, wrapper }: typeof HEADINGS): string =>
    `  ${word.padEnd(4)}  ${check.padEnd(widths.check)}  ${did.padEnd(widths.did)}  ${wrapper}`
  const lines = rows.flatMap((row) => {
    const shown = line(WORDS[row.result], row)
    return row.change === undefined ? [shown] : [shown, `        -> ${row.change}`]
  })
  return `${[line('', HEADINGS), ...lines].join('\n')}\n\n${conclude(rows)}\n`
}

/** Whether nothing failed. */
export function isConformant(rows: readonly Row[]): boolean {
  return rows.every(({ result }) => result !== 'fail')
}

function conclude(rows: readonly Row[]): string {
  const failed = rows.filter(({ result }) => result === 'fail').length
  return failed === 0 ? 'Nothing failed.' : `${failed} of ${rows.length} checks failed.`
}
