import { resolveConfig } from '../../core/config/parse.ts'
import { readName } from '../../core/endpoint/claim-path.ts'
import { FileParts, readFile, readText } from '../../yaml/parsed-file.ts'
import { ConfigFileError } from '../../yaml/problems.ts'
import { rangeOf } from '../../yaml/tree.ts'
import { UsageError } from '../errors.ts'
import { createWatch } from '../explain/watch.ts'
import { openObserved } from '../gateway/guard-config.ts'
import { showFile } from '../shown-value.ts'
import { error } from './finding.ts'
import type { ResolvedConfig } from '../../core/config/parse.ts'
import type { OptionPath } from '../../core/config/problems.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import type { Transport } from '../../core/verifier.ts'
import type { KeyPlace } from '../../keys.ts'
import type { AuthSection } from '../../yaml/auth-section.ts'
import type { Draft, TextOptions } from '../../yaml/parsed-file.ts'
import type { Provider } from '../../yaml/providers/section.ts'
import type { Watch } from '../explain/watch.ts'
import type { Finding, Place } from './finding.ts'

/** A file whose config can be used. */
export interface OpenedFile {
  readonly section: AuthSection
  readonly resolved: ResolvedConfig
  readonly watch: Watch
  /** The way of each provider to its service. It is watched. */
  readonly transports: ReadonlyMap<string, Transport>
  /** Of each provider of `api_keys`, in the order of the file. */
  readonly keys: readonly KeyPlace[]
  /** Where an option is in the file, or what it would be in. */
  readonly at: (path: OptionPath) => Place
}

/** The verifier of `upstream_header` needs an address, which only a server knows. */
const noAddress = (): undefined => undefined

/** Reads a file as the gateway would, and opens no connection. Returns its problems if it cannot be used. */
export async function openFile(
  file: string,
  options: Omit<TextOptions, 'path'>,
): Promise<OpenedFile | readonly Finding[]> {
  const transports = new Map<string, Transport>()
  const watch = createWatch()
  const noting = {
    ...watch,
    transport: (key: string, given: Transport): Transport => {
      const watched = watch.transport(key, given)
      transports.set(key, watched)
      return watched
    },
  }
  const keys: KeyPlace[] = []
  const onOpen = (place: KeyPlace): void => void keys.push(place)
  const observers = { onOpen, onError: () => undefined, isTrial: true } as const
  const open = (place: KeyPlace): CheckedVerifier => openObserved(place, observers)
  try {
    const draft = readText(readFile(file), { path: file, ...options })
    const { config = {} } = await new FileParts(() => undefined, noting, open).make(draft)
    const { section } = draft
    // Without one there is a problem.
    if (section === undefined) return []
    const resolved = resolveConfig(config, noAddress)
    return { section, resolved, watch, transports, keys, at: placesIn(draft, section) }
  } catch (thrown) {
    await closeKeys(keys)
    if (!(thrown instanceof ConfigFileError)) throw thrown
    return problemsOf(thrown, file)
  }
}

export async function closeKeys(keys: readonly KeyPlace[]): Promise<void> {
  for (const place of keys) if (typeof place !== 'string') await place.close?.()
}

const NO_KEYS = 'Run "with-auth keys create --keys FILE" with the file, which makes it.'

function problemsOf({ problems }: ConfigFileError, file: string): readonly Finding[] {
  const whole = problems.find(({ line }) => line === 0)
  if (whole !== undefined) throw new UsageError(`--config ${showFile(file)}: ${whole.message}`)
  return problems.map(({ line, key, message }) => {
    const isEmpty = /There is no file|no such table/.test(message)
    return error({ line, key }, message, isEmpty ? NO_KEYS : undefined)
  })
}

function placesIn({ findings }: Draft, { reading }: AuthSection): OpenedFile['at'] {
  return (path) => {
    const { origin } = reading.origins.nearest(path)
    return { line: findings.lineAt(rangeOf(origin.node)), key: origin.key }
  }
}

/** The providers of a file, of which there are none beside `endpoint`. */
export function providersOf({ section }: OpenedFile): readonly Provider[] {
  return section.deciders?.providers ?? []
}

/** Texts that are never shown, beside those that were sent to services. */
export function secretsIn({ section }: OpenedFile): readonly string[] {
  const providers = section.deciders?.providers ?? []
  const headers = [section.options, ...providers.map(({ values }) => values)].flatMap(
    ({ endpointHeaders }) => Object.values(Object(endpointHeaders)),
  )
  const { store } = section.options
  // The host of its URL may be that of a service, which messages name.
  const password = /^rediss?:\/\/[^/]*?:([^/]*)@/.exec(String(readName(store, 'url')))?.[1]
  const ofStore = [password, readName(store, 'secret')].flat()
  return [...headers, ...ofStore].filter((one) => typeof one === 'string')
}
