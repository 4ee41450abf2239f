import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, it } from 'vitest'
import { ROOT } from '../support/project.ts'

const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

it.each(['tsconfig.json', 'tsconfig.workers.json'])(
  'the examples compile against the package and the frameworks: %s',
  { timeout: 120_000 },
  async (config) => {
    expect(await compile(config)).toBe('')
  },
)

async function compile(config: string): Promise<string> {
  const args = [TSC, '--project', join(inject('app'), config), '--pretty', 'false']
  // tsc prints what is wrong and exits with an error.
  const ended = await promisify(execFile)(process.execPath, args).catch((error: unknown) => error)
  return (ended as { stdout: string }).stdout
}
