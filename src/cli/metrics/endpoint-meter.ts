import type { Meter } from './listener.ts'

/** All statuses that the endpoint answers. */
const STATUSES = [200, 400, 401, 403, 405, 408, 413, 500]

/** Makes the metrics of an auth endpoint. */
export function createEndpointMeter(): Meter {
  const answers = new Map([...STATUSES.map(String), 'other'].map((status) => [status, 0]))
  return {
    measure: (entry) => {
      if (entry.type !== 'answer') return
      const given = String(Reflect.get(entry, 'status'))
      const status = answers.has(given) ? given : 'other'
      answers.set(status, (answers.get(status) ?? 0) + 1)
    },
    families: () => [
      {
        name: 'with_auth_endpoint_answers_total',
        help: 'Answers to questions about keys.',
        type: 'counter',
        samples: [...answers].map(([status, value]) => ({ labels: { status }, value })),
      },
    ],
  }
}
