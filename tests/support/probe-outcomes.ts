import { viewOfWrapper } from '../../src/cli/conformance/finding.ts'
import type { Finding } from '../../src/cli/conformance/finding.ts'
import type { ProbeAnswer, ProbeOutcome } from '../../src/cli/conformance/probe.ts'

interface Said {
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly durationMs?: number
}

export function answered(status: number, said: Said = {}): ProbeAnswer {
  const { body, headers, durationMs = 3 } = said
  return { kind: 'answer', status, headers: new Headers(headers), body, durationMs }
}

/** An answer of an endpoint and the decision that the wrapper makes of it. */
export async function found(outcome: ProbeOutcome): Promise<Finding> {
  return { outcome, view: await viewOfWrapper(outcome) }
}
