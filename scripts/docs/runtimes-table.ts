import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderTable as renderCells } from '../../tests/support/markdown.ts'
import { versionOfModule } from '../../tests/runtimes/support/binaries.ts'
import type { Runtime } from '../../tests/runtimes/runtimes.ts'

/** One line of the table in the documentation. */
export interface Row {
  readonly runtime: Runtime
  version: string
  passed: number
}

const PAGE = join(import.meta.dirname, '../../docs/runtimes/README.md')
const SECTION = /(?<=<!-- runtimes: begin -->\n\n).*?(?=\n\n<!-- runtimes: end -->)/s
const HEADER = ['runtime', 'version', 'served by', 'scenarios passed']

/** The table as the formatter writes it: the same rows give the same bytes. */
export function renderTable(rows: readonly Row[]): string {
  return renderCells([HEADER, ...rows.map(describe)])
}

function describe({ runtime, version, passed }: Row): string[] {
  const { platform, served, library } = runtime
  const versioned = library === undefined ? served : `${served} ${versionOfModule(library)}`
  return [platform, version, versioned, String(passed)]
}

export function readTable(): string {
  const found = SECTION.exec(readFileSync(PAGE, 'utf8'))
  if (found !== null) return found[0]
  throw new Error(`${PAGE} has no place for the table of runtimes`)
}

export function writeTable(table: string): void {
  const text = readFileSync(PAGE, 'utf8')
  // A function, since `$` has a meaning in a replacement.
  writeFileSync(
    PAGE,
    text.replace(SECTION, () => table),
  )
}
