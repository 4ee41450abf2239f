import { obstacleAtStart, obstacleLater } from './obstacle.ts'
import { probe } from './probe.ts'
import { viewOfWrapper } from './wrapper-view.ts'
import type { ProbeTarget } from './probe.ts'
import type { Question } from './questions.ts'
import type { Finding } from './row.ts'

/** For all questions together, in milliseconds. */
const TOTAL_MS = 60_000
export const TIME_IS_UP = 'the minute for all questions is over'

/** Asks one question after the other, until there is a reason to stop. */
export interface Asker {
  /** `undefined` once it has stopped, and for a question that the minute cuts off. Never rejects. */
  readonly ask: (question: Question) => Promise<Finding | undefined>
  readonly findings: readonly Finding[]
  /** Why nothing more is asked. */
  readonly stopped: () => string | undefined
  readonly stop: (why: string) => void
}

export function createAsker(target: ProbeTarget): Asker {
  const findings: Finding[] = []
  const endsAt = performance.now() + TOTAL_MS
  let reason: string | undefined
  const stop = (why: string): void => void (reason ??= why)
  const stopped = (): string | undefined => {
    if (performance.now() >= endsAt) stop(TIME_IS_UP)
    return reason
  }
  const ask = async (question: Question): Promise<Finding | undefined> => {
    if (stopped() !== undefined) return undefined
    const leftMs = Math.max(1, endsAt - performance.now())
    const timeoutMs = Math.min(target.timeoutMs, leftMs)
    const outcome = await probe({ ...target, timeoutMs }, question.body)
    const isLate = outcome.kind === 'silence' && outcome.reason === 'timeout'
    if (isLate && timeoutMs < target.timeoutMs) {
      stop(TIME_IS_UP)
      return undefined
    }
    const obstacle =
      findings.length === 0
        ? obstacleAtStart(outcome, target.url)
        : obstacleLater(outcome, question.what)
    if (obstacle !== undefined) stop(obstacle.why)
    const finding = { outcome, view: await viewOfWrapper(outcome), obstacle }
    findings.push(finding)
    return finding
  }
  return { ask, findings, stopped, stop }
}
