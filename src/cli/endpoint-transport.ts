import process from 'node:process'
import { AuthConfigError } from '../core/errors.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { Surroundings } from './surroundings.ts'

/** A config, and by what its endpoint is asked; `undefined` where the config says that itself, or asks none. */
export interface EquippedConfig {
  readonly config: AuthConfig
  readonly asksOver: 'undici' | 'fetch' | undefined
  /** Why `nodeTransport` does not ask, on Node. */
  readonly whyFetch?: string
}

/**
 * Adds `nodeTransport` to a config, on Node where undici is installed. Otherwise the runtime's `fetch` asks. Nothing
 * needs to be closed: the process ends although undici has idle connections.
 */
export async function equipWithTransport(
  config: AuthConfig,
  { env }: Pick<Surroundings, 'env'>,
): Promise<EquippedConfig> {
  if (saysHowToAsk(config)) return { config, asksOver: undefined }
  if (hasFasterFetch() || takesProxyFrom(env)) return { config, asksOver: 'fetch' }
  // Only now: nothing else in the command needs it.
  const { nodeTransport } = await import('../node.ts')
  try {
    return { config: { ...config, fetch: nodeTransport() }, asksOver: 'undici' }
  } catch (error) {
    // There is no undici, or none that can be used here.
    if (error instanceof AuthConfigError) {
      return { config, asksOver: 'fetch', whyFetch: error.message }
    }
    throw error
  }
}

/** Asks by another config as one that was equipped: over the same connections. */
export function equipLike(equipped: EquippedConfig, config: AuthConfig): EquippedConfig {
  const { fetch } = equipped.config
  return { ...equipped, config: fetch === undefined ? config : { ...config, fetch } }
}

function saysHowToAsk({ fetch, verifier }: AuthConfig): boolean {
  return fetch !== undefined || verifier !== undefined
}

// Deno would load undici, and Bun would not: both are better off with their own `fetch`.
function hasFasterFetch(): boolean {
  return 'deno' in process.versions || 'bun' in process.versions
}

// Only `fetch` obeys that, and an endpoint may be out of reach without its proxy.
function takesProxyFrom({ NODE_USE_ENV_PROXY, NODE_OPTIONS = '' }: Surroundings['env']): boolean {
  if (NODE_USE_ENV_PROXY === '1') return true
  return [NODE_OPTIONS, ...process.execArgv].some((text) => text.includes('--use-env-proxy'))
}
