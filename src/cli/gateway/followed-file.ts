import { findLoneMount } from '../../files/lone-mount.ts'
import { watchConfig } from '../../yaml.ts'
import { policyOptions } from './upstream-policy.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { WatchedConfig } from '../../yaml.ts'
import type { CommandLine } from '../command-line.ts'
import type { DecisionLog } from '../log.ts'
import type { Surroundings } from '../surroundings.ts'
import type { RequestLog } from './request-log.ts'

/** The guard of the gateway, as the file sees it. */
export interface Follower {
  /** Switches to another configuration. */
  readonly replace: (config: AuthConfig) => Promise<void>
  readonly logConfig: () => void
}

interface Options {
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

/** Applies each change of a file, or only the latest of several. A broken file leaves the last valid configuration in place. */
export class FollowedFile {
  readonly #options: Options
  #guard: Follower | undefined
  /** Changed before the guard was there. */
  #changed: AuthConfig | undefined
  #watched: WatchedConfig | undefined

  constructor(options: Options) {
    this.#options = options
  }

  /** Reads the file, and watches it from then on. */
  async open(file: string): Promise<AuthConfig> {
    const { surroundings, onEvent } = this.#options
    const whyNot = findLoneMount(file)
    if (whyNot !== undefined) {
      surroundings.note(
        `with-auth: the command may miss a change of ${file}: ${whyNot}. ${MOUNT_ADVICE}\n`,
      )
    }
    this.#watched = await watchConfig(file, {
      ...policyOptions(this.#options.line),
      onEvent,
      onChange: (config) => this.#change(config),
      onError: (error) => this.#report(error),
      onRecover: () => this.#guard?.logConfig(),
    })
    return this.#watched.config
  }

  /** Tells the guard of each change, also of one that came before. */
  follow(guard: Follower): void {
    this.#guard = guard
    if (this.#changed === undefined) return
    try {
      void this.#change(this.#changed)
    } catch (error) {
      this.#report(error)
    }
  }

  close(): void {
    this.#watched?.close()
  }

  #change(changed: AuthConfig): Promise<void> | undefined {
    this.#changed = changed
    // `watchConfig` passes what it throws to `onError`.
    const config = this.#options.complete(changed)
    // Its store is needed until the switch.
    return this.#guard?.replace(config).catch((error: unknown) => this.#report(error))
  }

  #report(error: unknown): void {
    const message = error instanceof Error ? error.message : 'The configuration cannot be used'
    this.#options.log({ type: 'config_error', message })
  }
}
