import process from 'node:process'
import { AuthConfigError } from '../../core/errors.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { Surroundings } from '../surroundings.ts'

/** A config and the client that calls its endpoint: `undefined` if the config brings its own. */
export interface EquippedConfig {
  readonly config: AuthConfig
  readonly asksOver: 'undici' | 'fetch' | undefined
  readonly whyFetch?: string
}

/**
 * Adds `nodeTransport` to a config, on Node with undici installed. Otherwise the runtime's `fetch` is used. Nothing needs to be
 * closed: idle undici connections do not keep the process alive.
 */
export async function equipWithTransport(
  config: AuthConfig,
  { env }: Pick<Surroundings, 'env'>,
): Promise<EquippedConfig> {
  const client = config.fetch ?? config.verifier
  if (client !== undefined) return { config, asksOver: undefined }
  // The `fetch` of Deno and Bun is faster than undici there.
  const hasFasterFetch = 'deno' in process.versions || 'bun' in process.versions
  if (hasFasterFetch || takesProxyFrom(env)) return { config, asksOver: 'fetch' }
  // Imported here, because no other command needs it.
  const { nodeTransport } = await import('../../node.ts')
  try {
    return { config: { ...config, fetch: nodeTransport() }, asksOver: 'undici' }
  } catch (error) {
    // undici is missing or too old.
    if (error instanceof AuthConfigError) {
      return { config, asksOver: 'fetch', whyFetch: error.message }
    }
    throw error
  }
}

/** Another config that uses the same client and connections. */
export function equipLike(equipped: EquippedConfig, config: AuthConfig): EquippedConfig {
  const { fetch } = equipped.config
  // A provider has its own.
  const isEquipped = fetch === undefined || config.verifier !== undefined
  return { ...equipped, config: isEquipped ? config : { ...config, fetch } }
}

// Only `fetch` uses the proxy from the environment.
function takesProxyFrom({ NODE_USE_ENV_PROXY, NODE_OPTIONS = '' }: Surroundings['env']): boolean {
  if (NODE_USE_ENV_PROXY === '1') return true
  return [NODE_OPTIONS, ...process.execArgv].some((text) => text.includes('--use-env-proxy'))
}
