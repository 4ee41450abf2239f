import { oneOf } from '../../../src/core/config/kinds.ts'
import { OPTIONS } from '../../../src/core/config/options.ts'
import { fits, use } from '../../support/types.ts'
import type { OptionTable } from '../../../src/core/config/options.ts'

export function theTableHasEveryOptionWithItsType(): void {
  fits<OptionTable>(OPTIONS)
  const { cache, ...withoutCache } = OPTIONS
  use(cache)
  // @ts-expect-error -- an option is missing
  fits<OptionTable>(withoutCache)
  // @ts-expect-error -- a name is misspelt
  fits<OptionTable>({ ...OPTIONS, timeoutMS: OPTIONS.timeoutMs })
  // @ts-expect-error -- a kind is of another type
  fits<OptionTable>({ ...OPTIONS, timeoutMs: OPTIONS.realm })
  // @ts-expect-error -- a kind accepts less than its option
  fits<OptionTable>({ ...OPTIONS, mode: oneOf('enforce') })
}
