import { UsageError } from '../errors.ts'
import type { LoadOptions } from '../../yaml.ts'
import type { CommandLine, OptionSpecs } from '../command-line.ts'

const NAME = 'upstream-enforces-access-policy'

/** The flag of the commands that read a run.yaml for what it decides. */
export const POLICY_OPTION: OptionSpecs = {
  [NAME]: {
    help: 'accept access_policy in the file, because the upstream enforces it, with type: upstream_header in its own file',
  },
}

/** The option of the loader that the flag stands for. */
export function policyOptions(line: CommandLine): Pick<LoadOptions, 'accessPolicy'> {
  return line.has(NAME) ? { accessPolicy: 'upstream' } : {}
}

/** Throws for the flag without a file. */
export function rejectPolicyOption(line: CommandLine): void {
  if (!line.has(NAME)) return
  throw new UsageError(`--${NAME} is about the file of --config: give --config FILE`)
}
