import { boolean, callback, namesOf, parseFields } from '../core/config/kinds.ts'
import { readOptions } from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Kind } from '../core/config/kinds.ts'

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

export interface ParsedObserveOptions {
  readonly spans: boolean
  readonly principal: boolean
  readonly next: OnEvent | undefined
}

const KINDS: {
  readonly [Name in keyof ParsedObserveOptions]: Kind<never, ParsedObserveOptions[Name]>
} = {
  spans: boolean(true),
  principal: boolean(false),
  next: callback<OnEvent>(),
}

/** @throws AuthConfigError with all problems. */
export function parseObserveOptions(options: unknown): ParsedObserveOptions {
  const problems = new Problems()
  const given = readOptions(options, namesOf(KINDS), [], 'an object', problems)
  const parsed = parseFields<ParsedObserveOptions>(KINDS, given, [], problems)
  problems.throwIfAny()
  // Without a problem every option has its type.
  return parsed as ParsedObserveOptions
}
