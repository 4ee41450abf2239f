import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { IS_NIGHTLY } from '../../support/nightly.ts'

/** A program out of `node_modules`, for Linux on x64: the packages' own launchers would be one process more to stop. */
export interface Binary {
  readonly name: string
  /** Below `node_modules`. */
  readonly path: string
}

export const BUN: Binary = { name: 'Bun', path: '@oven/bun-linux-x64/bin/bun' }
export const DENO: Binary = { name: 'Deno', path: '@deno/linux-x64-glibc/deno' }
export const ESBUILD: Binary = { name: 'esbuild', path: '@esbuild/linux-x64/bin/esbuild' }
export const WORKERD: Binary = { name: 'workerd', path: '@cloudflare/workerd-linux-64/bin/workerd' }
export const NODES: readonly Binary[] = ['20', '22', '24', '26'].map((major) => ({
  name: `Node ${major}`,
  path: `node${major}/bin/node`,
}))

/** The oldest and the newest of them, for what the versions between these do as well. Each night it is all of them. */
export const SOME_NODES: readonly Binary[] = IS_NIGHTLY
  ? NODES
  : [NODES.at(0), NODES.at(-1)].flatMap((node) => node ?? [])

/**
 * Older versions, for short attacks on sockets: the oldest of each major version, and 22.20 and 24.8, the last whose server takes every
 * request with `Upgrade` for an upgrade. 22.3 is the first with `process.getBuiltinModule`.
 */
export const OLDER_NODES: readonly Binary[] = [
  '20.19',
  '22.3',
  '22.20',
  '24.0',
  '24.8',
  '26.0',
].map((version) => ({ name: `Node ${version}`, path: `node${version}/bin/node` }))

/** One of them, by its major version. */
export function findNode(major: string): Binary {
  const found = NODES.find(({ name }) => name === `Node ${major}`)
  if (found !== undefined) return found
  throw new Error(`There is no Node ${major} among the runtimes`)
}

const MODULES = join(import.meta.dirname, '../node_modules')
const versions = new Map<Binary, string>()

/** The file to run. Throws if it is not installed, so that no runtime is skipped unnoticed. */
export function locate({ name, path }: Binary): string {
  return locateModule(path, name)
}

/** The place of something in `node_modules`. */
export function locateModule(path: string, name = path): string {
  const file = join(MODULES, path)
  if (existsSync(file)) return file
  throw new Error(`${name} is not installed: run .ci/runtimes on Linux x64`)
}

/** The version that the binary prints. */
export function versionOf(binary: Binary): string {
  const known = versions.get(binary)
  if (known !== undefined) return known
  const printed = execFileSync(locate(binary), ['--version'], { encoding: 'utf8' })
  const version = /\d[\d.-]*/.exec(printed)?.[0] ?? printed.trim()
  versions.set(binary, version)
  return version
}

/** The version of a package in `node_modules`. */
export function versionOfModule(name: string): string {
  const text = readFileSync(locateModule(join(name, 'package.json'), name), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
