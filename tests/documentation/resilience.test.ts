import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../src/index.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
import { ENDPOINT } from '../support/msw-endpoint.ts'
import { readText } from '../support/project.ts'
import { get } from '../support/requests.ts'
import type { DecisionEvent, Transport } from '../../src/index.ts'

/** The faults of an endpoint, by row of the table. */
const FAULTS: readonly (readonly (number | 'nothing' | 'silence')[])[] = [
  ['nothing'],
  ['silence'],
  [502, 503, 504],
  [500, 501, 505, 599],
  [429],
  [200],
]

describe('the table of failures in docs/resilience.md', () => {
  const rows = readTable(readText('docs/resilience.md'), 'the endpoint')
  const asked = rows.filter(([what = '']) => !what.startsWith('not asked'))
  const cases = FAULTS.flatMap((faults, index) =>
    faults.map((fault) => [fault, asked[index] ?? []] as const),
  )

  it('has a row for each kind', () => {
    expect(asked).toHaveLength(FAULTS.length)
    expect(rows).toHaveLength(FAULTS.length + 2)
  })

  it.each(cases)('is true of %s', async (fault, row) => {
    const [, code = '', retried = '', , stale = '', status = '', status503 = ''] = row
    const byDefault = await failAfterAllow(fault, 401, 0)
    expect(byDefault).toEqual({
      reason: withoutBackticks(/`.*?`/.exec(code)?.[0] ?? ''),
      attempts: retried === 'yes' ? 2 : 1,
      status,
    })
    expect((await failAfterAllow(fault, 503, 0)).status).toBe(status503)
    expect((await failAfterAllow(fault, 503, 60_000)).status).toBe(
      stale === 'yes' ? '200' : status503,
    )
  })
})

/** The decision about a token whose cached allow has expired, when the endpoint then fails. */
async function failAfterAllow(
  fault: (typeof FAULTS)[number][number],
  unavailableStatus: 401 | 503,
  staleIfErrorMs: number,
) {
  const events: DecisionEvent[] = []
  let fetch: Transport = async () => Response.json({ principal: 'alice' })
  const guarded = withAuth(() => new Response('in'), {
    endpoint: ENDPOINT,
    fetch: (url, init) => fetch(url, init),
    context: { headers: [] },
    identity: 'required',
    timeoutMs: fault === 'silence' ? 250 : 5000,
    retry: { attempts: 1 },
    cache: memoryCache({ allowTtlMs: 10, staleIfErrorMs }),
    unavailableStatus,
    onEvent: (event) => void (event.type === 'decision' && events.push(event)),
  })
  await guarded(get('/', 'k1'))
  await sleep(20)
  fetch = async () => {
    if (fault === 'nothing') throw new TypeError('reset')
    if (fault === 'silence') return new Promise(() => undefined)
    return new Response(null, { status: fault })
  }
  const { status } = await guarded(get('/', 'k1'))
  const event = events.at(-1)
  return { reason: event?.reason, attempts: event?.attempts, status: String(status) }
}
