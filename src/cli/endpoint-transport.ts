import process from 'node:process'
import { AuthConfigError } from '../core/errors.ts'
import type { AuthConfig, Transport } from '../core/auth-config.ts'
import type { Surroundings } from './surroundings.ts'

/** A config, and by what its endpoint is asked; `undefined` where the config says that itself, or asks none. */
export interface EquippedConfig {
  readonly config: AuthConfig
  readonly asksOver: 'undici' | 'fetch' | undefined
}

/** Adds `nodeTransport` to a config, on Node where undici is installed. Otherwise the runtime's `fetch` asks. */
export async function equipWithTransport(
  config: AuthConfig,
  { env }: Pick<Surroundings, 'env'>,
): Promise<EquippedConfig> {
  if (saysHowToAsk(config)) return { config, asksOver: undefined }
  if (isDeno() || takesProxyFrom(env)) return { config, asksOver: 'fetch' }
  const transport = await openTransport()
  if (transport === undefined) return { config, asksOver: 'fetch' }
  return { config: { ...config, transport }, asksOver: 'undici' }
}

function saysHowToAsk({ fetch, transport, verifier }: AuthConfig): boolean {
  return [fetch, transport, verifier].some((given) => given !== undefined)
}

// It would load undici. Bun, too, is better off with its own `fetch`, and there `nodeTransport` says so itself.
function isDeno(): boolean {
  return 'deno' in process.versions
}

// Only `fetch` obeys that, and an endpoint may be out of reach without its proxy.
function takesProxyFrom({ NODE_USE_ENV_PROXY, NODE_OPTIONS = '' }: Surroundings['env']): boolean {
  if (NODE_USE_ENV_PROXY === '1') return true
  return [NODE_OPTIONS, ...process.execArgv].some((text) => text.includes('--use-env-proxy'))
}

// Idle connections of undici hold up no end of the process, so there is nothing to close.
async function openTransport(): Promise<Transport | undefined> {
  // Only now: nothing else in the command needs it.
  const { nodeTransport } = await import('../node.ts')
  try {
    return nodeTransport()
  } catch (error) {
    // There is no undici, or none that can be used here.
    if (error instanceof AuthConfigError) return undefined
    throw error
  }
}
