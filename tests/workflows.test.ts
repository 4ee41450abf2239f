import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { readText, ROOT } from './support/project.ts'

/** How the package gets to its users. */

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, unknown>>
}

interface Workflow {
  readonly permissions: object
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly permissions: Readonly<Record<string, string>>
        readonly needs?: string
        readonly 'timeout-minutes'?: number
        readonly steps: readonly Step[]
      }
    >
  >
}

describe('the workflows', () => {
  const folder = join(ROOT, '.github/workflows')
  const workflows = readdirSync(folder).map((file): [string, Workflow] => [
    file,
    parse(readText(`.github/workflows/${file}`)) as Workflow,
  ])
  const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps }) => steps)

  it.each(workflows)(
    '%s pins every action to a commit, and names its version',
    (file, workflow) => {
      for (const { uses } of stepsOf(workflow)) {
        expect(uses ?? 'a/b@'.padEnd(44, '0')).toMatch(/^[\w-]+\/[\w-]+@[\da-f]{40}$/)
      }
      const pinned = readText(`.github/workflows/${file}`).match(/@[\da-f]{40}.*/g) ?? []
      for (const pin of pinned) expect(pin).toMatch(/^@[\da-f]{40} # v\d+\.\d+\.\d+$/)
    },
  )

  it.each(workflows)(
    '%s gives each job the rights that it needs, and no others',
    (_file, workflow) => {
      expect(workflow.permissions).toEqual({})
      for (const job of Object.values(workflow.jobs)) {
        expect(job.permissions).toBeDefined()
        expect(job['timeout-minutes']).toBeGreaterThan(0)
      }
    },
  )

  it('release.yml publishes with provenance and without a token, after everything has passed', () => {
    const text = readText('.github/workflows/release.yml')
    const { jobs } = parse(text) as Workflow
    expect(jobs['publish']?.permissions).toEqual({ contents: 'read', 'id-token': 'write' })
    const tests = jobs['test']?.steps ?? []
    expect(tests.map(({ run }) => run)).toEqual(
      expect.arrayContaining(['.ci/run', 'npm run test:long', 'npm run test:soak']),
    )
    expect(tests.find(({ run }) => run === 'npm run test:soak')?.env).toEqual({
      WITH_AUTH_SOAK_MINUTES: 10,
    })
    // What has changed since the commit before is not known without that commit.
    expect(tests.find(({ uses }) => uses?.includes('/checkout@'))?.with).toMatchObject({
      'fetch-depth': 0,
    })
    expect(jobs['publish']?.needs).toBe('test')
    const commands = stepsOf(parse(text) as Workflow).map(({ run }) => run)
    expect(commands).toContain('npm publish --provenance --access public')
    expect(commands).toContain('npm audit signatures')
    expect(commands).toContain('npm run --silent sbom > sbom.cdx.json')
    expect(text).not.toMatch(/secrets\.|_TOKEN: (?!\$\{\{ github\.token \}\})/)
    const mayPublish = Object.entries(jobs).filter(([, job]) => 'id-token' in job.permissions)
    expect(mayPublish.map(([name]) => name)).toEqual(['publish'])
  })

  it('no expression of a workflow stands in a shell command, where its value would be code', () => {
    const commands = workflows.flatMap(([, workflow]) =>
      stepsOf(workflow).map(({ run = '' }) => run),
    )
    expect(commands.filter((command) => command.includes('${{'))).toEqual([])
  })
})
