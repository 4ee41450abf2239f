import { get, TOKEN } from './row.ts'
import { isNumbered, startGuardedServer } from './guarded-server.ts'
import { findViolations } from './rules.ts'
import type { Question } from '../../support/auth-endpoint.ts'
import type { GuardedServer } from './guarded-server.ts'
import type { Asked, Expected, Program, Row, Variant } from './row.ts'
import type { Trace } from './rules.ts'
import type { RawServer } from './servers.ts'

interface Sent {
  readonly row: Row
  readonly variant: Variant
}

/** The effect of one variant of a row on one program. */
interface Observation extends Trace, Sent {
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
  const programs = new Set(rows.flatMap((row) => row.programs))
  for (const program of server.program === undefined ? programs : [server.program]) {
    const guarded = await startGuardedServer(server, program, app)
    const wanted = server.program === undefined ? program : 'function'
    const own = rows.filter((row) => row.programs.includes(wanted))
    try {
      runs.push(await runProgram(guarded, program, own))
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
  const batches = divideIntoBatches(
    rows.flatMap((row) => row.variants.map((variant) => ({ row, variant }))),
  )
  for (const batch of batches) {
    const traces = await guarded.trace(batch.map(({ variant }) => variant.bytes))
    observations.push(...batch.map((sent, index) => observe(program, sent, traces[index])))
  }
  const path = program === 'hono-mounted' ? '/routed/admin' : '/admin'
  const [last] = await guarded.trace([get(path, TOKEN)])
  if (last === undefined) throw new Error('fewer answers than requests')
  const printed = await guarded.stop()
  const { version } = guarded
  return { program, version, observations, fences: batches.length + 1, last, printed }
}

function observe(program: Program, sent: Sent, trace: Trace | undefined): Observation {
  if (trace === undefined) throw new Error('fewer answers than requests')
  const violations = findViolations(program, sent.variant.bytes, trace)
  return { ...trace, ...sent, program, violations }
}

// A request without a number cannot be told from others, so it goes alone.
function divideIntoBatches(all: readonly Sent[]): Sent[][] {
  const numbered = all.filter(({ variant }) => isNumbered(variant.bytes))
  const alone = all.filter(({ variant }) => !isNumbered(variant.bytes))
  const count = Math.ceil(numbered.length / BATCH)
  const batches = Array.from({ length: count }, (_, index) =>
    numbered.slice(index * BATCH, (index + 1) * BATCH),
  )
  return [...batches, ...alone.map((sent) => [sent])]
}

/** The expected or the observed outcome of a request. */
export interface Outcome {
  readonly verdict: string
  readonly asked: readonly Asked[]
}

/** The expected outcome on a server: that of the first of its names with a difference, or else that of all. */
export function expectedOn({ names }: RawServer, { differences, expected }: Variant): Expected {
  const own = names.map((name) => differences.find(({ servers }) => servers.includes(name)))
  return own.find((difference) => difference !== undefined)?.expected ?? expected
}

export function describeExpected({ verdict, asked }: Expected): Outcome {
  return { verdict, asked: asked === undefined ? [] : [asked] }
}

/** The observed outcome, with only those headers that the expected one names. */
export function describeObserved(observation: Observation, expected: Expected): Outcome {
  const names = Object.keys(expected.asked?.headers ?? {})
  return {
    verdict: readVerdict(observation),
    asked: observation.questions.map((question) => describeQuestion(question, names)),
  }
}

function readVerdict({ response, calls, questions }: Observation): string {
  if (calls.length === 0) return /"code":"(\w+)"/.exec(response?.body ?? '')?.[1] ?? 'server'
  return questions.length > 0 ? 'allowed' : 'public'
}

function describeQuestion(question: Question, names: readonly string[]): Asked {
  const { token, path, params } = question
  if (names.length === 0) return { token, path, params }
  const told = Object.entries(question.headers).filter(([name]) => names.includes(name))
  return { token, path, params, headers: Object.fromEntries(told) }
}
