import { get, TOKEN } from './bytes.ts'
import { isNumbered, startGuardedServer } from './guarded-server.ts'
import { findViolations } from './rules.ts'
import type { Question } from './endpoint.ts'
import type { GuardedServer, Trace } from './guarded-server.ts'
import type { Program, Row, Variant } from './row.ts'
import type { RawServer } from './servers.ts'

/** The effect of one variant of a row on one program. */
export interface Observation extends Trace {
  readonly row: Row
  readonly variant: Variant
  readonly program: Program
  /** The rules of `rules.ts` that it broke. */
  readonly violations: readonly string[]
}

/** All requests to one program on one server. */
export interface ProgramRun {
  readonly program: Program
  readonly version: string
  readonly observations: readonly Observation[]
  /** How often an ordinary request followed: once for each batch, and for the last request. */
  readonly fences: number
  /** An ordinary request with a good token, after all others. */
  readonly last: Trace
  /** Everything that the server printed until it was stopped. */
  readonly printed: string
}

// As many as a server answers side by side without a queue.
const BATCH = 32

/** Sends every variant of every row to each of the programs on a server. */
export async function runMatrix(
  server: RawServer,
  rows: readonly Row[],
  app: string,
): Promise<ProgramRun[]> {
  const runs: ProgramRun[] = []
  for (const program of programsOn(server, rows)) {
    const guarded = await startGuardedServer(server, program, app)
    try {
      runs.push(await runProgram(guarded, program, rowsFor(server, program, rows)))
    } finally {
      await guarded.stop()
    }
  }
  return runs
}

function programsOn({ program }: RawServer, rows: readonly Row[]): readonly Program[] {
  return program === undefined ? [...new Set(rows.flatMap(({ programs }) => programs))] : [program]
}

function rowsFor(server: RawServer, program: Program, rows: readonly Row[]): readonly Row[] {
  const namesIt = server.program === undefined ? program : 'function'
  return rows.filter(({ programs }) => programs.includes(namesIt))
}

async function runProgram(
  guarded: GuardedServer,
  program: Program,
  rows: readonly Row[],
): Promise<ProgramRun> {
  const observations: Observation[] = []
  const earlier: Question[] = []
  const batches = divideIntoBatches(program, rows.flatMap(pairWithVariants))
  for (const batch of batches) {
    const traces = await guarded.trace(batch.map(({ variant }) => variant.bytes))
    const observed = batch.map((sent, index) => observe(program, sent, traces[index], earlier))
    observations.push(...observed)
    earlier.push(...observed.flatMap(({ questions }) => questions))
  }
  const path = program === 'hono-mounted' ? '/routed/admin' : '/admin'
  const [last] = await guarded.trace([get(path, TOKEN)])
  if (last === undefined) throw new Error('fewer answers than requests')
  const printed = await guarded.stop()
  const { version } = guarded
  return { program, version, observations, fences: batches.length + 1, last, printed }
}

function observe(
  program: Program,
  sent: Sent,
  trace: Trace | undefined,
  earlier: readonly Question[],
): Observation {
  if (trace === undefined) throw new Error('fewer answers than requests')
  const violations = findViolations(program, sent.variant, trace, earlier)
  return { ...trace, ...sent, program, violations }
}

interface Sent {
  readonly row: Row
  readonly variant: Variant
}

// The cache makes the order matter, and a request without a number cannot be told from others: both go alone.
function divideIntoBatches(program: Program, all: readonly Sent[]): Sent[][] {
  const isAlone = ({ variant }: Sent): boolean => program === 'cached' || !isNumbered(variant.bytes)
  const numbered = all.filter((sent) => !isAlone(sent))
  const count = Math.ceil(numbered.length / BATCH)
  const batches = Array.from({ length: count }, (_, index) =>
    numbered.slice(index * BATCH, (index + 1) * BATCH),
  )
  return [...batches, ...all.filter(isAlone).map((sent) => [sent])]
}

function pairWithVariants(row: Row): Sent[] {
  return row.variants.map((variant) => ({ row, variant }))
}
