import { parseOptions } from '../core/config/interpreter.ts'
import { isOptionsObject, misusedOption } from '../core/config/option-checks.ts'
import { IDENTITY_HEADERS } from '../gateway/identity-headers.ts'
import { PRESETS } from './preset.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Table } from '../core/config/form.ts'
import type { IdentityHeaderNames, IdentityHeaders } from '../gateway/identity-headers.ts'
import type { ForwardAuthFailure } from './failure.ts'
import type { NameEncoding } from '../verifiers/upstream/signature.ts'
import type { ForwardAuthProxy, Preset } from './preset.ts'

/** The options with their defaults. */
export interface ResolvedForwardAuth {
  readonly preset: Preset
  readonly rawTargets: boolean
  readonly identityHeaders: IdentityHeaderNames
  readonly encoding: NameEncoding
  readonly onFailure: ((failure: ForwardAuthFailure) => void) | undefined
}

interface Parsed extends Pick<ResolvedForwardAuth, 'rawTargets' | 'onFailure'> {
  readonly for: ForwardAuthProxy
  readonly identityHeaders: IdentityHeaders
}

const TABLE: Table<Parsed> = {
  for: { kind: 'choice', choices: ['nginx', 'caddy', 'traefik', 'haproxy'], isRequired: true },
  rawTargets: { kind: 'boolean', default: false },
  identityHeaders: IDENTITY_HEADERS,
  onFailure: { kind: 'function' },
}

/** Parses the options. Throws `AuthConfigError` with all problems. */
export function resolveForwardAuth(value: unknown): ResolvedForwardAuth {
  const { for: proxy, rawTargets, onFailure, identityHeaders } = parseOptions(TABLE, value)
  const { encoding, ...names } = identityHeaders
  return Object.freeze({
    preset: PRESETS[proxy],
    rawTargets,
    identityHeaders: names,
    encoding,
    onFailure,
  })
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
