import { OPTIONS } from '../../../src/core/config/options.ts'
import { fits, use } from '../../support/types.ts'
import type { Table } from '../../../src/core/config/form.ts'
import type { ParsedOptions } from '../../../src/core/config/options.ts'

type OptionTable = Table<ParsedOptions>

export function theTableHasEveryOptionWithItsType(): void {
  fits<OptionTable>(OPTIONS)
  const { cache, ...withoutCache } = OPTIONS
  use(cache)
  // @ts-expect-error -- an option is missing
  fits<OptionTable>(withoutCache)
  // @ts-expect-error -- a name is misspelt
  fits<OptionTable>({ ...OPTIONS, timeoutMS: OPTIONS.timeoutMs })
  // @ts-expect-error -- a form gives another type
  fits<OptionTable>({ ...OPTIONS, timeoutMs: OPTIONS.realm })
  const enforce = { kind: 'choice', choices: ['enforce'], default: 'enforce' } as const
  // @ts-expect-error -- a form accepts less than its option
  fits<OptionTable>({ ...OPTIONS, mode: enforce })
  // @ts-expect-error -- an option that is left out has no value
  fits<OptionTable>({ ...OPTIONS, timeoutMs: { kind: 'milliseconds', min: 1, max: 60_000 } })
}
