import { viewOfWrapper } from '../../src/cli/conformance/finding.ts'
import type { Finding } from '../../src/cli/conformance/finding.ts'
import type { ProbeOutcome } from '../../src/cli/conformance/probe.ts'

interface Said {
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly durationMs?: number
}

export function answered(status: number, said: Said = {}): ProbeOutcome {
  const { body, headers, durationMs = 3 } = said
  return { status, headers: new Headers(headers), body, durationMs }
}

export function silent(reason: 'timeout' | 'unreachable', code?: string): ProbeOutcome {
  return { status: 0, headers: new Headers(), durationMs: 1, silence: { reason, code } }
}

/** An answer of an endpoint and the decision that the wrapper makes of it. */
export async function found(outcome: ProbeOutcome): Promise<Finding> {
  return { outcome, view: await viewOfWrapper(outcome) }
}
