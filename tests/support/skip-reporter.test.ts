import { spawnSync } from 'node:child_process'
import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { ROOT } from './project.ts'

/** What `npm test` prints. */

function runTests(file: string): string {
  const { CI: _ci, ...env } = process.env
  const args = ['node_modules/vitest/vitest.mjs', 'run', '--tags-filter=!slow', file]
  // No program is found.
  const run = spawnSync(process.execPath, args, { cwd: ROOT, env: { ...env, PATH: '/nowhere' } })
  expect(run.status).toBe(0)
  return stripVTControlCharacters(String(run.stdout) + String(run.stderr))
}

it('prints only a summary, and why tests are skipped', { tags: ['slow'] }, () => {
  const lines = runTests('tests/systemd.test.ts')
    .split('\n')
    .map((line) => line.trim())
  expect(lines.filter((line) => line !== '')).toEqual([
    expect.stringMatching(/^RUN /),
    'Test Files  1 passed (1)',
    'Tests  3 passed | 1 skipped (4)',
    expect.stringMatching(/^Start at /),
    expect.stringMatching(/^Duration /),
    'Skipped: systemd-analyze does not run here: apt-get install systemd',
  ])
})

it('names the command for slow tests', { tags: ['slow'] }, () => {
  expect(runTests('tests/support/skip-reporter.test.ts')).toContain(
    'Skipped: 2 slow tests: npm run test:slow',
  )
})
