import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { unpackPackage } from '../../runtimes/support/package-under-test.ts'
import { ROOT } from '../../support/project.ts'
import type { TestProject } from 'vitest/node'

const EXAMPLES = join(ROOT, 'examples')
const PROGRAMS = join(import.meta.dirname, '../programs')
// Another run may be under way.
const NOT_COPIED = /^(?:node_modules|package-lock\.json|under-test-.*|\..*)$/

/**
 * Copies the examples into a folder beside them, with the package as npm would install it. They find the frameworks in
 * `examples/node_modules`, without a link that a bundler could not follow.
 */
export default function setup(project: TestProject): () => void {
  if (!existsSync(join(EXAMPLES, 'node_modules'))) {
    throw new Error('The frameworks are not installed: run "npm ci --prefix examples"')
  }
  const app = mkdtempSync(join(EXAMPLES, 'under-test-'))
  const remove = (): void => rmSync(app, { recursive: true, force: true })
  // Also when the run is interrupted, or this function throws.
  process.once('exit', remove)
  copyExamples(app)
  unpackPackage(app)
  project.provide('app', app)
  return remove
}

function copyExamples(app: string): void {
  const copied = readdirSync(EXAMPLES).filter((name) => !NOT_COPIED.test(name))
  for (const name of copied) cpSync(join(EXAMPLES, name), join(app, name), { recursive: true })
  cpSync(PROGRAMS, app, { recursive: true })
}
