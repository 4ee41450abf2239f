import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** One part of src is judged by its own tests: those of all of src would take a minute for each mutant. */
const TESTS_BESIDE = {
  // The adapter and the matrices of failures and attacks are tests of the core.
  core: ['tests/fail-closed.test.ts', 'tests/hono.test.ts', 'tests/leaks.test.ts'],
  gateway: ['tests/gateway-sockets.test.ts'],
}

/** Nothing is broken in the built package, which these start. */
const TESTS_OF_PACKAGE = ['tests/cli.test.ts']

const FILES_AT_ONCE = 4

/**
 * The folders of src, and the modules beside them. Only `index.ts` has nothing to break: it is re-exports.
 * @param {string} root
 */
export function findParts(root) {
  const names = readdirSync(join(root, 'src')).map((name) => name.replace(/\.ts$/, ''))
  return [...new Set(names)].filter((name) => name !== 'index')
}

/** @param {string} file */
export function partOf(file) {
  return file.replace(/^src\/([^/.]+).*$/, '$1')
}

/**
 * The modules of a part.
 * @param {string} root
 * @param {string} part
 */
export function findFiles(root, part) {
  const folder = join(root, 'src', part)
  const below = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : []
  const files = [`${part}.ts`, ...below.map((file) => `${part}/${file}`)]
  return files
    .filter((file) => file.endsWith('.ts'))
    .map((file) => `src/${file}`)
    .filter((file) => existsSync(join(root, file)))
    .toSorted()
}

/**
 * A few files at a time: what is done by then counts, if a run ends early.
 * @param {readonly string[]} files
 */
export function inGroups(files) {
  const count = Math.ceil(files.length / FILES_AT_ONCE)
  return Array.from({ length: count }, (_, index) =>
    files.slice(index * FILES_AT_ONCE, (index + 1) * FILES_AT_ONCE),
  )
}

/**
 * The tests that judge a part, as patterns: to run, and to leave out.
 * @param {string} part
 */
export function testsOf(part) {
  const own = [`tests/${part}.test.ts`, `tests/${part}/**/*.test.ts`]
  return { include: [...own, ...(TESTS_BESIDE[part] ?? [])], exclude: TESTS_OF_PACKAGE }
}
