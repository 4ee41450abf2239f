/**
 * Traces and metrics of decisions, for OpenTelemetry.
 *
 * @module with-auth/otel
 */
import * as openTelemetry from '@opentelemetry/api'
import { Levels } from './telemetry/levels.ts'
import { prepareMetrics, recordMetrics } from './otel/instruments.ts'
import { parseObserveOptions } from './otel/options.ts'
import { createTracing, observeWithSpans } from './telemetry/spans.ts'
import type { AuthConfig } from './core/auth-config.ts'
import type { AuthEvent } from './core/types.ts'
import type { ObserveOptions } from './otel/options.ts'

export type { ObserveOptions }

/**
 * Makes an `onEvent` that gives each decision a span and counts it, by the global providers of `@opentelemetry/api`. A span
 * belongs to the span that is active in the request, and the call to the endpoint to it. No attribute holds a token or a path.
 * Give each guard its own.
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
  // Zeros from the start, if the provider is registered. If that throws, so does the first event.
  try {
    prepareMetrics(levels)
  } catch {
    // A program must start without telemetry.
  }
  const begin = spans ? createTracing(openTelemetry, principal) : undefined
  const record = (event: AuthEvent): void => recordMetrics(event, levels)
  return observeWithSpans(begin, (event) => next?.(event), record)
}
