import { HEADER_DIFFERENCES } from './header-differences.ts'
import { PATH_DIFFERENCES } from './path-differences.ts'
import { TARGET_DIFFERENCES } from './target-differences.ts'
import type { Question } from './endpoint.ts'
import type { Observation } from './matrix.ts'
import type { Asked, Expected, Row, Variant } from './row.ts'
import type { RawServer } from './servers.ts'

/** The observed or the expected outcome of a request. */
export interface Outcome {
  readonly verdict: string
  readonly asked: readonly Asked[]
}

/** The lines of the tables of differences, each for one variant on one server. */
export const LISTED = [...HEADER_DIFFERENCES, ...PATH_DIFFERENCES, ...TARGET_DIFFERENCES].flatMap(
  ({ servers, cause, outcomes }) =>
    servers.flatMap((server) =>
      outcomes.flatMap(([expected, ...variants]) =>
        variants.map((variant) => ({ server, variant, cause, expected })),
      ),
    ),
)

const LISTED_BY_KEY = new Map(
  LISTED.map(({ server, variant, expected }) => [`${server} ${variant}`, expected]),
)

/** The name of a variant in the tables of differences. */
export function nameVariant({ id }: Row, { name }: Variant): string {
  return `${id}: ${name}`
}

/** The expected outcome on a server: the listed difference, or else that of the row. */
export function expectedOn({ names }: RawServer, row: Row, variant: Variant): Expected {
  const listed = names.map((name) => LISTED_BY_KEY.get(`${name} ${nameVariant(row, variant)}`))
  return listed.find((expected) => expected !== undefined) ?? variant.expected
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

function readVerdict({ response, calls, questions, program }: Observation): string {
  if (calls.length === 0) return /"code":"(\w+)"/.exec(response?.body ?? '')?.[1] ?? 'server'
  if (questions.length > 0) return 'allowed'
  return program === 'cached' ? 'kept' : 'public'
}

function describeQuestion(question: Question, names: readonly string[]): Asked {
  const { token, path, params } = question
  if (names.length === 0) return { token, path, params }
  const headers = new Map(Object.entries(question.headers))
  const told = names.map((name) => [name, headers.get(name)] as const)
  return { token, path, params, headers: Object.fromEntries(told) }
}
