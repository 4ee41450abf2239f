import { findLoneMount } from '../../files/lone-mount.ts'
import { toTextOptions } from '../../yaml/parsed-file.ts'
import { watchFile } from '../../yaml/watched-file.ts'
import { UsageError } from '../errors.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { LoadOptions, WatchedConfig } from '../../yaml.ts'
import type { OpenKeys } from '../../yaml/providers/means.ts'
import type { CommandLine, OptionSpecs } from '../command-line.ts'
import type { DecisionLog } from '../log.ts'
import type { Surroundings } from '../surroundings.ts'
import type { RequestLog } from './request-log.ts'

const INTERVAL_MS = 1000
const POLICY = 'upstream-enforces-access-policy'

/** The flag of the commands that read a run.yaml for what it decides. */
export const POLICY_OPTION: OptionSpecs = {
  [POLICY]: {
    help: 'accept access_policy in the file, because the upstream enforces it, with type: upstream_header in its own file',
  },
}

/** The option of the loader that the flag stands for. */
export function policyOptions(line: CommandLine): Pick<LoadOptions, 'accessPolicy'> {
  return line.has(POLICY) ? { accessPolicy: 'upstream' } : {}
}

/** Throws for the flag without a file. */
export function rejectPolicyOption(line: CommandLine): void {
  if (!line.has(POLICY)) return
  throw new UsageError(`--${POLICY} is about the file of --config: give --config FILE`)
}

/** The guard of a command, as its file sees it. */
interface Follower {
  /** Switches to another configuration. */
  readonly replace: (config: AuthConfig) => Promise<void>
  readonly logConfig: () => void
}

interface FollowOptions {
  readonly line: CommandLine
  /** Throws for a config that the command cannot use. */
  readonly complete: (config: AuthConfig) => AuthConfig
  readonly log: DecisionLog
  /** Writes the events of the store. */
  readonly onEvent: RequestLog['onEvent']
  readonly surroundings: Surroundings
}

const MOUNT_ADVICE =
  'Mount the folder instead (Kubernetes: without subPath), or restart the command after each change'

/**
 * Reads a file, and applies each later change of it, or only the latest of several. A broken file leaves the last valid
 * configuration in place.
 *
 * @param guard Made of the first configuration. It gets the changes that came before it too.
 */
export function followFile(
  file: string,
  { line, complete, log, onEvent, surroundings }: FollowOptions,
  guard: Promise<Follower>,
  keys: OpenKeys,
): Promise<WatchedConfig> {
  const whyNot = findLoneMount(file)
  if (whyNot !== undefined) {
    surroundings.note(
      `with-auth: the command may miss a change of ${file}: ${whyNot}. ${MOUNT_ADVICE}\n`,
    )
  }
  const onError = (error: unknown): void => {
    const message = error instanceof Error ? error.message : 'The configuration cannot be used'
    log({ type: 'config_error', message })
  }
  const options = {
    intervalMs: INTERVAL_MS,
    reading: toTextOptions(policyOptions(line)),
    onEvent,
    // `watchFile` passes what `complete` throws to `onError`. The store before is needed until the switch.
    onChange: (changed: AuthConfig) => {
      const config = complete(changed)
      return guard.then(({ replace }) => replace(config)).catch(onError)
    },
    onError,
    onRecover: () => void guard.then(({ logConfig }) => logConfig()),
  }
  return watchFile(file, options, keys)
}
