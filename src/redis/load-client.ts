import { createRequire } from 'node:module'
import { misusedOption } from '../core/config/option-checks.ts'
import type * as redis from '@redis/client'
import type { ClientFactory } from './client.ts'

/** Loads `createClient` of the package. Throws an `AuthConfigError` if it is not installed, or too old. */
export function loadClient(): ClientFactory {
  const load = createRequire(import.meta.url)
  const version = readVersion(load)
  if (version === undefined) throw needs('which is not installed')
  const [major = 0, minor = 0] = version.split('.', 2).map(Number)
  if (!(major > 6 || (major === 6 && minor >= 3))) throw needs(`found ${version}`)
  const { createClient } = load('@redis/client') as Pick<typeof redis, 'createClient'>
  return (options) => createClient(options)
}

function readVersion(load: NodeJS.Require): string | undefined {
  try {
    const { version } = load('@redis/client/package.json') as { version: string }
    return version
  } catch {
    return undefined
  }
}

function needs(why: string): Error {
  const client = `the package "@redis/client" 6.3 or later, ${why}: npm install @redis/client@6`
  return misusedOption(['store'], `used with ${client}`)
}
