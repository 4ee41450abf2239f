import { parseOptions } from '../core/config/interpreter.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Table } from '../core/config/form.ts'

type OnEvent = NonNullable<AuthConfig['onEvent']>

/** The options of {@link observe}. */
export interface ObserveOptions {
  /**
   * Makes a span of each decision.
   *
   * @default true
   */
  readonly spans?: boolean
  /**
   * Names the caller in the spans, as `user.id`. It is personal data.
   *
   * @default false
   */
  readonly principal?: boolean
  /** Gets every event afterwards, as `onEvent` would. */
  readonly next?: OnEvent
}

interface ParsedObserveOptions {
  readonly spans: boolean
  readonly principal: boolean
  readonly next: OnEvent | undefined
}

const TABLE: Table<ParsedObserveOptions> = {
  spans: { kind: 'boolean', default: true },
  principal: { kind: 'boolean', default: false },
  next: { kind: 'function' },
}

/** @throws AuthConfigError with all problems. */
export function parseObserveOptions(options: unknown): ParsedObserveOptions {
  return parseOptions(TABLE, options)
}
