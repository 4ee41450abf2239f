import type { AuthConfig } from '../core/auth-config.ts'
import type { ResolvedConfig } from '../core/config/parse.ts'

const REDACTED = '[redacted]'

/** A configuration with its defaults, in the words of the YAML, and without secrets. */
export function showConfig(config: AuthConfig, resolved: ResolvedConfig): unknown {
  const {
    endpointHeaders,
    isPublic: _,
    hasPublicPaths: __,
    onEvent: ___,
    respond: ____,
    fetch: _____,
    ...rest
  } = resolved
  const headers = Object.keys(endpointHeaders).map((name) => [name, REDACTED])
  return inSnakeCase({
    ...rest,
    endpoint: resolved.endpoint?.replace(/\?.*/s, `?${REDACTED}`),
    public: config.public ?? [],
    // Names that a caller chose: not to be turned into others.
    ...(headers.length === 0 ? {} : { endpoint_headers: new Map(headers as [string, string][]) }),
  })
}

function inSnakeCase(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inSnakeCase)
  if (value instanceof Map) return Object.fromEntries(value)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).filter(([, member]) => member !== undefined)
  return Object.fromEntries(entries.map(([name, member]) => [snakeCase(name), inSnakeCase(member)]))
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
