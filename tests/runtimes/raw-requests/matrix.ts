import { get, TOKEN } from './bytes.ts'
import { startGuardedServer } from './guarded-server.ts'
import { findViolations } from './rules.ts'
import type { Question } from './endpoint.ts'
import type { GuardedServer, Trace } from './guarded-server.ts'
import type { Program, Row, Variant } from './row.ts'
import type { RawServer } from './servers.ts'

/** What one variant of a row did to one program. */
export interface Observation extends Trace {
  readonly row: Row
  readonly variant: Variant
  readonly program: Program
  /** What is wrong with it, whatever was expected. */
  readonly violations: readonly string[]
}

/** All that was sent to one program on one server. */
export interface ProgramRun {
  readonly program: Program
  readonly version: string
  readonly observations: readonly Observation[]
  /** An ordinary request with a good token, after all others. */
  readonly last: Trace
  /** Everything that the server printed until it was stopped. */
  readonly printed: string
}

/** Sends every variant of every row to each of the row's programs on a server, one after the other. */
export async function runMatrix(
  server: RawServer,
  rows: readonly Row[],
  app: string,
): Promise<ProgramRun[]> {
  const runs: ProgramRun[] = []
  for (const program of new Set(rows.flatMap(({ programs }) => programs))) {
    const guarded = await startGuardedServer(server, program, app)
    try {
      const rowsOfIt = rows.filter(({ programs }) => programs.includes(program))
      runs.push(await runProgram(guarded, program, rowsOfIt))
    } finally {
      await guarded.stop()
    }
  }
  return runs
}

async function runProgram(
  guarded: GuardedServer,
  program: Program,
  rows: readonly Row[],
): Promise<ProgramRun> {
  const observations: Observation[] = []
  const earlier: Question[] = []
  for (const [row, variant] of rows.flatMap(pairWithVariants)) {
    const trace = await guarded.trace(variant.bytes)
    const violations = findViolations(program, variant, trace, earlier)
    earlier.push(...trace.questions)
    observations.push({ ...trace, row, variant, program, violations })
  }
  const path = program === 'hono-mounted' ? '/routed/admin' : '/admin'
  const last = await guarded.trace(get(path, TOKEN))
  const printed = await guarded.stop()
  return { program, version: guarded.version, observations, last, printed }
}

function pairWithVariants(row: Row): (readonly [Row, Variant])[] {
  return row.variants.map((variant) => [row, variant] as const)
}
