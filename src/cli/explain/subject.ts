import { basename } from 'node:path'
import { resolveConfig } from '../../core/config/parse.ts'
import { createEndpoint } from '../../core/endpoint/endpoint.ts'
import { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import { askBy } from '../../verifiers/adapt.ts'
import { KeyFileError } from '../../keys.ts'
import { FileParts, readFile, readText, toTextOptions } from '../../yaml/parsed-file.ts'
import { rangeOf } from '../../yaml/tree.ts'
import { UndecidedError, UsageError } from '../errors.ts'
import { policyOptions } from '../gateway/config-file.ts'
import { openObserved, readGuardConfig } from '../gateway/guard-config.ts'
import { showFile } from '../shown-value.ts'
import { createWatch } from './watch.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { AddressOf, ResolvedConfig } from '../../core/config/parse.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { KeyPlace } from '../../keys.ts'
import type { CommandLine } from '../command-line.ts'
import type { Draft } from '../../yaml/parsed-file.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Watch } from './watch.ts'

/** Where options stand in the file. */
export interface Places {
  /** Such as `run.yaml:7`: the place of an option, or of what it would be in. `undefined` without a file. */
  readonly of: (path: OptionPath) => string | undefined
}

/** The guard that is explained. */
export interface Subject {
  readonly resolved: ResolvedConfig
  readonly config: AuthConfig
  /** The verifier that decides. It is watched. */
  readonly verifier: CheckedVerifier
  readonly watch: Watch
  readonly places: Places
  /** The rules of its policy, as the file has them. */
  readonly rules: unknown
  /** The keys of `--keys`, or of each provider of `api_keys` in the order of the file. */
  readonly keys: readonly KeyPlace[]
  readonly warnings: readonly string[]
}

/** Reads what the command line names, as the gateway would. */
export async function readSubject(
  line: CommandLine,
  surroundings: Surroundings,
  addressOf: AddressOf,
): Promise<Subject> {
  const watch = createWatch()
  let places: Places = { of: () => undefined }
  let rules: unknown
  const keys: KeyPlace[] = []
  const onOpen = (place: KeyPlace): void => void keys.push(place)
  const open = (place: KeyPlace): CheckedVerifier => openObserved(place, { onOpen, isTrial: true })
  const load = async (file: string): Promise<AuthConfig> => {
    const draft = readText(readFile(file), { path: file, ...toTextOptions(policyOptions(line)) })
    const parsed = await new FileParts(() => undefined, watch, open).make(draft)
    places = createPlaces(file, draft)
    rules = parsed.rules
    return parsed.config ?? {}
  }
  const observers = { onOpen, onError: () => undefined, isTrial: true }
  const given = await readGuardConfig(line, surroundings, observers, load).catch(asUsage)
  const resolved = resolveConfig(given, addressOf)
  const verifier = watchedVerifier(resolved, line.has('keys') ? '--keys' : 'server.auth', watch)
  return {
    resolved,
    config: given,
    verifier,
    watch,
    places,
    rules,
    keys,
    warnings: resolved.warnings,
  }
}

// Else a mistake in a file, or an outage of a database, would look like a rejection, by the exit code.
function asUsage(error: unknown): never {
  if (!(error instanceof Error)) throw error
  const { cause, message } = error
  const isDatabase = cause instanceof KeyFileError && cause.code === 'database'
  // A table that is missing does not come by waiting.
  const isOutage = isDatabase && !/: (?:no such table|table \w+ has no column)/.test(message)
  throw isOutage ? new UndecidedError(message) : new UsageError(message)
}

function createPlaces(file: string, { section, findings }: Draft): Places {
  const name = showFile(basename(file))
  return {
    of: (path) => {
      const origin = section?.reading.origins.nearest(path).origin
      return origin && `${name}:${findings.lineAt(rangeOf(origin.node))}`
    },
  }
}

/** The verifier of a guard. An auth endpoint becomes one, so that both are watched alike. */
function watchedVerifier(config: ResolvedConfig, key: string, watch: Watch): CheckedVerifier {
  const { verifier, endpoint, endpointHeaders, identity, fetch } = config
  if (verifier !== undefined) {
    const isWatched = watch.all().some((one) => one.verifier !== undefined)
    return isWatched ? verifier : watch.verifier(key, verifier)
  }
  const verify = createEndpoint({
    url: endpoint ?? '',
    headers: endpointHeaders,
    identity,
    fetch: watch.transport(key, fetch),
  })
  const made = new CheckedVerifier({
    verify,
    ask: askBy(verify),
    consumes: [],
    warnings: [],
    describe: () => ({ type: 'endpoint' }),
  })
  return watch.verifier(key, made)
}
