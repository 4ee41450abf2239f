/**
 * Traces and metrics of decisions, for OpenTelemetry.
 *
 * @module with-auth/otel
 */
import { ignore } from './core/async.ts'
import { Levels } from './telemetry/measures.ts'
import { recordMetrics } from './otel/instruments.ts'
import { parseObserveOptions } from './otel/options.ts'
import { recordSpan } from './otel/span.ts'
import type { AuthConfig } from './core/auth-config.ts'
import type { AuthEvent } from './core/types.ts'
import type { ObserveOptions } from './otel/options.ts'

export type { ObserveOptions }

/**
 * Makes an `onEvent` that gives each decision a span and counts it, by the global providers of `@opentelemetry/api`. A span
 * belongs to the span that is active in the request. No attribute holds a token or a path. Give each guard its own.
 *
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { observe } from 'with-auth/otel'
 *
 * export default {
 *   fetch: withAuth(() => new Response('hello'), {
 *     endpoint: 'https://auth.example.com/validate',
 *     onEvent: observe({ next: (event) => console.log(JSON.stringify(event)) }),
 *   }),
 * }
 * ```
 */
export function observe(options: ObserveOptions = {}): NonNullable<AuthConfig['onEvent']> {
  const { spans, principal, next } = parseObserveOptions(options)
  const levels = new Levels()
  const record = (event: AuthEvent): void => {
    recordMetrics(event, levels)
    if (spans && event.type === 'decision') recordSpan(event, principal)
  }
  return (event) => {
    try {
      record(event)
    } catch (error) {
      ignore(next?.(event))
      throw error
    }
    return next?.(event)
  }
}
