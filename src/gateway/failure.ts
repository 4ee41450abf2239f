import { passageOf } from '../core/response/passage.ts'
import { parseTarget } from '../core/request/target.ts'
import { statusOf } from './refusal.ts'
import type { GatewayFailureCode } from './refusal.ts'
import type { GatewayFailure } from './types.ts'

/** Describes why the gateway answered itself. Nothing of headers, query and messages is in it. */
export function describeFailure(
  request: Request,
  code: GatewayFailureCode,
  error: unknown,
): GatewayFailure {
  const { method, url } = request
  const path = parseTarget(url)?.path.slice(0, 256) ?? ''
  const failure = { code, status: statusOf(code), method: method.slice(0, 32), path }
  const cause = nameOf(error)
  const described = Object.freeze(cause === undefined ? failure : { ...failure, cause })
  const passage = passageOf(request)
  if (passage !== undefined) passage.failure = described
  return described
}

// Where a runtime says what it was: `error.cause.code` on Node, `error.code` on Bun, else the class.
function nameOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const candidates = [codeOf(error.cause), codeOf(error), error.name]
  return candidates.find(isName)
}

function codeOf(value: unknown): unknown {
  return Reflect.get(Object(value), 'code')
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^\w{1,64}$/.test(value)
}
