import { formatTimestamp, parseTimestamp, YEAR_10000 } from '../times.ts'
import { DAY_MS, dayOf, KEPT_DAYS } from '../usage/use.ts'
import { TABLE, USE_TABLE } from './table.ts'
import type { KeyUse } from '../usage/use.ts'
import type { ColumnValue } from './row.ts'
import type { KeyStore } from './store.ts'
import type { Execute } from './table.ts'

/** How a database reads a list in JSON, and writes and reads a day and a time. */
export interface UseDialect {
  /** The rows of the list `$1`, as a table `added` of texts. */
  readonly added: string
  /** A select list of the texts in the list `$1`. */
  readonly ids: string
  readonly day: (text: string) => string
  readonly count: (text: string) => string
  readonly time: (text: string) => string
  /** The columns as texts or numbers. */
  readonly columns: string
  readonly latest: 'max' | 'greatest'
  readonly text: (index: number) => string
}

type UseStore = Required<Pick<KeyStore, 'addUse' | 'readUse'>>

/** The operations on the counts of checks. They are in a table of their own, so that no check waits for the row of its key. */
export function tableUse(dialect: UseDialect, execute: Execute): UseStore {
  const { added, ids, day, count, time, columns, latest, text } = dialect
  // Rows in one order, so that no two processes wait for each other.
  const add = `insert into ${USE_TABLE} (id, day, checks, last_used)
    select added.id, ${day('added.day')}, ${count('added.checks')}, ${time('added.last_used')}
    from ${added} where true order by 1, 2
    on conflict (id, day) do update set checks = ${USE_TABLE}.checks + excluded.checks,
      last_used = ${latest}(${USE_TABLE}.last_used, excluded.last_used)`
  const read = `select ${columns} from ${USE_TABLE} where id in (${ids})`
  const clean = `delete from ${USE_TABLE} where id not in (select id from ${TABLE}) or (day < ${day(text(1))}
    and exists (select 1 from ${USE_TABLE} later where later.id = ${USE_TABLE}.id and later.day > ${USE_TABLE}.day))`
  let cleanedOn = ''
  return {
    addUse: async (uses) => {
      const rows = uses.map(({ id, day: on, checks, lastUsed }) => ({
        id,
        day: on,
        checks: String(checks),
        last_used: String(parseTimestamp(lastUsed)),
      }))
      await execute(add, [JSON.stringify(rows)])
      const today = dayOf(Date.now())
      if (cleanedOn === today) return
      cleanedOn = today
      try {
        await execute(clean, [dayOf(Date.now() - KEPT_DAYS * DAY_MS)])
      } catch {
        // The counts are written. If this threw, they would be written again.
      }
    },
    readUse: async (wanted) => (await execute(read, [JSON.stringify(wanted)])).map(readRow),
  }
}

// Any program may have written it, so a reader drops rows that are not a use.
function readRow(row: unknown): KeyUse {
  const { id, day, checks, last_used: time } = Object(row) as Readonly<Record<string, ColumnValue>>
  const isTime = Math.abs(Number(time)) < YEAR_10000
  const lastUsed = isTime ? formatTimestamp(Number(time)) : ''
  return { id: String(id), day: String(day), checks: Number(checks), lastUsed }
}
