import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the package, ending in a separator. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

export function readText(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

/** A JSON file of the package. The caller knows its type. */
export function readJson<Shape>(file: string): Shape {
  return JSON.parse(readText(file)) as Shape
}

export function exists(file: string): boolean {
  return existsSync(join(ROOT, file))
}

/** The files below a folder, relative to it, with `/` between the parts. */
export function listFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll(sep, '/'))
  return sorted(files)
}

export function sorted(names: Iterable<string>): string[] {
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  return [...names].sort()
}
