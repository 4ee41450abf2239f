import type { TransportInit, TransportResponse } from '../../../src/index.ts'
import type { Answer, Asker, Call, Moment } from './log.ts'
import type { VirtualClock } from '../../support/virtual-clock.ts'

const YES: Answer = { status: 200, latencyMs: 0, isDeaf: false }

/** An endpoint that logs its calls. Each principal names the question and the number of the call. */
export function createModelEndpoint(clock: VirtualClock, calls: Call[], moment: () => Moment) {
  const answers = new Map<string, { first: Answer; later: Answer }>()
  const underWay = new Set<number>()
  const answerFor = (token: string): Answer => {
    const { first, later } = answers.get(token) ?? { first: YES, later: YES }
    answers.set(token, { first: later, later })
    return first
  }
  const log = (body: string, { guard, scope }: Asker): Call => {
    const { api_key: token } = JSON.parse(body) as { api_key: string }
    const told = body + scope
    const id = calls.length
    const asked = moment()
    const answer = answerFor(token)
    const { expiresIn } = answer
    const exp = expiresIn === undefined ? undefined : Math.floor(asked.wall / 1000) + expiresIn
    const what = { id, guard, scope, token, told }
    const call: Call = { ...what, asked, answer, principal: `${id} ${told}`, exp }
    calls.push(call)
    return call
  }
  const end = (call: Call, as: 'answered' | 'reset' | 'abandoned'): void => {
    call.ended ??= { ...moment(), as }
  }
  return {
    /** Asks for one guard. */
    answer: (asker: Asker, { body, signal }: TransportInit): Promise<TransportResponse> => {
      const call = log(body ?? '', asker)
      const { answer } = call
      return new Promise((resolve, reject) => {
        const finish = (): void => {
          underWay.delete(timer)
          end(call, answer.status === 'reset' ? 'reset' : 'answered')
          if (answer.status === 'reset') reject(new Error('reset'))
          else resolve(respond(call))
        }
        const abandon = (): void => {
          end(call, 'abandoned')
          if (answer.isDeaf) return
          underWay.delete(timer)
          clock.cancel(timer)
          reject(new Error('aborted'))
        }
        signal.addEventListener('abort', abandon)
        const timer = answer.status === 'hang' ? 0 : clock.after(answer.latencyMs, finish)
        if (timer !== 0) underWay.add(timer)
      })
    },
    /** The number of pending answers, including those to aborted calls. */
    pending: () => underWay.size,
    /** Sets the answers about a token: one for the first question, one for all others. */
    says: (token: string, first: Answer, later: Answer = first): void => {
      answers.set(token, { first, later })
    },
  }
}

function respond({ id, principal, exp, answer }: Call): TransportResponse {
  const status = Number(answer.status)
  const body = JSON.stringify({ principal, attributes: { call: [String(id)] }, exp })
  return {
    status,
    headers: { get: (name) => (name === 'cache-control' ? (answer.cacheControl ?? null) : null) },
    body: status === 200 ? chunks(body) : null,
  }
}

async function* chunks(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text)
}
