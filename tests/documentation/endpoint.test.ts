import { describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../src/index.ts'
import { readTable } from '../support/markdown.ts'
import { readText } from '../support/project.ts'
import { get } from '../support/requests.ts'
import type { DecisionEvent, Transport } from '../../src/index.ts'

const PAGE = 'docs/auth-endpoint.md'

/** The statuses for each row of the table of answers. `nothing` is a connection that breaks. */
const STATUSES: readonly (readonly (number | 'nothing')[])[] = [
  [200],
  [401, 403],
  [429],
  [201, 204, 206, 301, 302, 307, 400, 404, 405, 418],
  [500, 501, 502, 503, 504, 505, 599, 'nothing'],
]

describe('the table of what an endpoint may answer', () => {
  const rows = readTable(readText(PAGE), 'you answer')
  const cases = STATUSES.flatMap((statuses, index) =>
    statuses.map((status) => [status, rows[index]?.slice(0) ?? []] as const),
  )

  it('has a row for each kind', () => {
    expect(rows).toHaveLength(STATUSES.length)
    const named = (cells: readonly string[] | undefined): string[] =>
      cells?.[0]?.match(/\d{3}|nothing/g) ?? []
    const missing = STATUSES.flatMap((statuses, index) =>
      named(rows[index]).filter((name) => !statuses.map(String).includes(name)),
    )
    expect(missing).toEqual([])
  })

  it.each(cases)('is true of %s', async (status, [, becomes = '', kept = '']) => {
    const events: DecisionEvent[] = []
    const answers: Transport = async () => {
      if (status === 'nothing') throw new TypeError('reset')
      return new Response(null, { status })
    }
    const guarded = withAuth(() => new Response('in'), {
      endpoint: 'https://auth.example.test/validate',
      fetch: answers,
      context: { headers: [] },
      cache: memoryCache(),
      unavailableStatus: 503,
      retry: false,
      onEvent: (event) => void (event.type === 'decision' && events.push(event)),
    })
    const first = await guarded(get('/', 'k1'))
    await guarded(get('/', 'k1'))
    expect(meaningOf(first.status)).toBe(
      /^it passes|^rejected as an? \w+|^rejected/.exec(becomes)?.[0],
    )
    expect(events[1]?.cache === 'hit').toBe(kept !== 'no')
  })
})

function meaningOf(status: number): string {
  if (status === 200) return 'it passes'
  if (status === 401) return 'rejected'
  return status === 429 ? 'rejected as an overload' : 'rejected as an outage'
}
