import { boolean, callback } from '../core/config/kinds.ts'
import {
  invalidOption,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { parseIdentityEncoding, parseIdentityHeaders } from '../gateway/identity-headers.ts'
import { PRESETS, PROXIES } from './preset.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { IdentityHeaderNames } from '../gateway/identity-headers.ts'
import type { ForwardAuthFailure } from './failure.ts'
import type { NameEncoding } from '../verifiers/upstream/signature.ts'
import type { Preset } from './preset.ts'

/** The options with their defaults. */
export interface ResolvedForwardAuth {
  readonly preset: Preset
  readonly rawTargets: boolean
  readonly identityHeaders: IdentityHeaderNames
  readonly encoding: NameEncoding
  readonly onFailure: ((failure: ForwardAuthFailure) => void) | undefined
}

const OPTIONS = ['for', 'rawTargets', 'identityHeaders', 'onFailure'] as const
const OFF = boolean(false)
const OBSERVER = callback<(failure: ForwardAuthFailure) => void>()

/** Parses the options. Throws `AuthConfigError` for the first that is wrong. */
export function resolveForwardAuth(value: unknown): ResolvedForwardAuth {
  const options = readOptions(value, OPTIONS)
  return Object.freeze({
    preset: parsePreset(options.for),
    rawTargets: OFF.parse(options.rawTargets, ['rawTargets']),
    identityHeaders: parseIdentityHeaders(options.identityHeaders ?? {}),
    encoding: parseIdentityEncoding(options.identityHeaders ?? {}),
    onFailure: OBSERVER.parse(options.onFailure, ['onFailure']),
  })
}

function parsePreset(value: unknown): Preset {
  const proxy = PROXIES.find((one) => one === value)
  if (proxy !== undefined) return PRESETS[proxy]
  throw invalidOption(['for'], value, PROXIES.map((one) => `"${one}"`).join(' or '))
}

/**
 * Adds what differs in forward auth: an outage is a 503, because nginx knows no 401 that means "try again". Throws `AuthConfigError` for `resource`: its document is a 200 that allows nothing.
 */
export function completeConfig(config: AuthConfig): AuthConfig {
  // The guard says what is wrong with it.
  if (!isOptionsObject(config)) return config
  if (config.resource !== undefined && config.resource !== false) {
    throw misusedOption(['resource'], 'left out: a 200 of forward auth always allows a request')
  }
  return { unavailableStatus: 503, ...config }
}
