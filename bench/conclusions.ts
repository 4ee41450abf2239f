import { shareOf } from './section.ts'
import type { GoalResult, Section } from './section.ts'

/** The text of each line, and the matches and the goal that show it. */
const LINES: readonly (readonly [text: string, title: string, goal: string])[] = [
  [
    '**A cached decision**, beside a hand-written gate with a Map',
    'A cached decision, one token',
    shareOf('**withAuth**, cached', 'hand-written gate, a Map'),
  ],
  [
    '**A cached decision of 10,000**, beside the same',
    'Cached decisions, 10,000 tokens in turn',
    shareOf('**withAuth**, cached', 'hand-written gate, a Map'),
  ],
  [
    '**A cached decision in Hono**, beside a hand-written middleware with a Map',
    'A cached decision, one token',
    shareOf('**with-auth/hono**, cached', 'Hono, hand-written gate, a Map'),
  ],
  [
    '**A new token, over `fetch`**, beside a hand-written POST',
    'Every token new',
    shareOf('**withAuth**, over fetch', 'hand-written gate, fetch'),
  ],
  [
    '**No token**, beside a hand-written 401',
    'Rejected: no header',
    shareOf('**withAuth**, cached', 'hand-written gate, a Map'),
  ],
  [
    '**No token in Hono**, beside its `bearerAuth`',
    'Rejected: no header',
    shareOf('**with-auth/hono**, cached', 'Hono, bearerAuth, static token'),
  ],
]

/** A few lines: the most important goals on each runtime, and how many goals are missed. */
export function conclude(sections: readonly Section[]): string[] {
  const lines = LINES.map(([text, ...where]) => {
    const found = [...resultsOf(sections, ...where)]
    return `${text}: ${found.map(([runtime, result]) => `${runtime} ${shown(result)}`).join(', ')}.`
  })
  const goals = sections.flatMap((section) => section.goals)
  const share = `${goals.filter(isMissed).length} of ${goals.length}`
  return [
    ...lines,
    `**Missed goals**: ${share}, among them: ${generalMisses(sections).join('; ')}.`,
  ]
}

/** What was found as a table, with a column for each runtime. */
export function tabulate(sections: readonly Section[]): string[][] {
  const results = LINES.map(([, ...where]) => resultsOf(sections, ...where))
  const runtimes = [...new Set(results.flatMap((found) => [...found.keys()]))]
  const rows = LINES.map(([text], index) => {
    const cells = runtimes.map((runtime) => {
      const result = results[index]?.get(runtime)
      return result?.found ?? '-'
    })
    return [text, ...cells]
  })
  return [['', ...runtimes], ...rows]
}

/** A row for each missed goal: the match, the goal with its limit, and the value. */
export function listMisses(sections: readonly Section[]): string[][] {
  return sections.flatMap(({ heading, goals }) =>
    goals.filter(isMissed).map(({ goal, limit, found }) => {
      const withLimit = limit === undefined ? goal : `${goal}: ${limit}`
      return [heading, withLimit, found]
    }),
  )
}

function resultsOf(
  sections: readonly Section[],
  title: string,
  goal: string,
): ReadonlyMap<string, GoalResult> {
  const found = new Map<string, GoalResult>()
  for (const { heading, goals } of sections) {
    const result = goals.find((one) => one.goal === goal)
    const isMatch = heading.startsWith(`${title}: `)
    if (isMatch && result !== undefined) found.set(heading.slice(title.length + 2), result)
  }
  return found
}

function generalMisses(sections: readonly Section[]): string[] {
  const general = sections.flatMap(({ rows, goals }) => (rows === undefined ? goals : []))
  return general.filter(isMissed).map(({ goal, found }) => `${goal} (found: ${found})`)
}

function shown({ found, limit, isReached }: GoalResult): string {
  return `${found}${isReached ? '' : ` (**missed**: ${limit})`}`
}

function isMissed({ isReached }: GoalResult): boolean {
  return !isReached
}
