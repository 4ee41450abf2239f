import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt } from './support/built-package.ts'
import { readJson, ROOT } from './support/project.ts'

function run(...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'dist/cli.js'), ...args],
    { encoding: 'utf8', env: { PATH: process.env['PATH'] } },
  )
  return { status, stdout, stderr }
}

describe('the built command', () => {
  beforeAll(ensureBuilt, 60_000)

  it('says its version and its commands, on standard output', () => {
    const { version } = readJson<{ version: string }>('package.json')
    expect(run('--version')).toEqual({ status: 0, stdout: `${version}\n`, stderr: '' })
    const help = run('--help')
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toMatch(/^ {2}check +examine an auth endpoint/m)
  })

  it('tells wrong usage from failure by its exit code, and speaks on standard error', () => {
    const wrong = run('check')
    expect(wrong).toEqual({ status: 2, stdout: '', stderr: 'with-auth: URL is missing\n' })
    const failed = run('check', 'http://127.0.0.1:1/', '--json')
    expect(failed).toMatchObject({ status: 1, stderr: '' })
    expect(JSON.parse(failed.stdout)).toMatchObject({ ok: false })
  })
})
