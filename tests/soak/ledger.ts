import { closeSync, openSync, readSync } from 'node:fs'

/** A verdict as the endpoint wrote it to its ledger. */
interface Decided {
  readonly id: string
  /** In milliseconds of the machine's monotonic clock. */
  readonly at: number
  readonly status: number
  readonly key: string
}

const CHUNK = 1 << 16

/** Milliseconds of the monotonic clock that all processes of a machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1000n) / 1000
}

export type Ledger = ReturnType<typeof followLedger>

/** Follows the endpoint's ledger file. Forgets entries older than `keepMs`, so that memory stays flat. */
export function followLedger(path: string, keepMs: number) {
  const file = openSync(path, 'a+')
  const decided = new Map<string, Decided>()
  const denials = new Map<string, Decided>()
  const chunk = Buffer.alloc(CHUNK)
  let rest = ''
  let offset = 0
  let count = 0

  const enter = (line: string): void => {
    const [id = '', at = '', status = '', key = ''] = line.split(' ')
    const entry: Decided = { id, at: Number(at), status: Number(status), key }
    count += 1
    decided.set(id, entry)
    if (entry.status === 200) return
    denials.delete(key)
    denials.set(key, entry)
  }
  const readOn = (): void => {
    for (;;) {
      const length = readSync(file, chunk, 0, CHUNK, offset)
      if (length === 0) return
      offset += length
      const lines = (rest + chunk.toString('latin1', 0, length)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) enter(line)
      forget(decided, keepMs)
      forget(denials, keepMs)
    }
  }
  return {
    find: (id: string): Decided | undefined => {
      if (!decided.has(id)) readOn()
      return decided.get(id)
    },
    /** The last denial of a key. */
    lastDenial: (key: string): Decided | undefined => {
      readOn()
      return denials.get(key)
    },
    count: () => count,
    close: () => closeSync(file),
  }
}

function forget(entries: Map<string, Decided>, keepMs: number): void {
  const oldest = monotonicMs() - keepMs
  for (const [name, { at }] of entries) {
    if (at >= oldest) return
    entries.delete(name)
  }
}
