import { spawnSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { parse } from 'yaml'
import { readText, ROOT } from './support/project.ts'

/** How the package gets to its users. */

interface Step {
  readonly uses?: string
  readonly id?: string
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
        readonly outputs?: Readonly<Record<string, string>>
        readonly 'timeout-minutes'?: number
        readonly steps: readonly Step[]
      }
    >
  >
}

type ReleaseFile = Workflow &
  Partial<Readonly<Record<'name' | 'on' | 'concurrency' | 'env' | 'defaults', unknown>>>

describe('the workflows', () => {
  const folder = join(ROOT, '.github/workflows')
  const workflows = readdirSync(folder).map((file): [string, Workflow] => [
    file,
    parse(readText(`.github/workflows/${file}`)) as Workflow,
  ])
  const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps }) => steps)
  const allSteps = workflows.flatMap(([, workflow]) => stepsOf(workflow))

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

  it('no checkout leaves its token behind', () => {
    const checkouts = allSteps.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
    expect(checkouts).not.toEqual([])
    for (const step of checkouts) expect(step.with).toMatchObject({ 'persist-credentials': false })
  })

  it('npm runs no script of a package that it installs, packs or publishes', () => {
    const lines = allSteps.flatMap(({ run = '' }) => run.split('\n'))
    const npm = lines.filter((line) => /\bnpm (ci|i|install|pack|publish)\b/.test(line))
    expect(npm).not.toEqual([])
    for (const line of npm) expect(line).toContain(' --ignore-scripts')
  })

  it('no expression of a workflow stands in a shell command, where its value would be code', () => {
    const commands = allSteps.map(({ run = '' }) => run)
    expect(commands.filter((command) => command.includes('${{'))).toEqual([])
  })
})

describe('release.yml', () => {
  const text = readText('.github/workflows/release.yml')
  const { jobs } = parse(text) as Workflow
  const stepsOf = (job: string) => jobs[job]?.steps ?? []
  const commandsOf = (job: string) => stepsOf(job).map(({ run }) => run)

  it('packs after everything has passed, and publishes what was packed', () => {
    expect(commandsOf('test')).toEqual(
      expect.arrayContaining(['.ci/run', 'npm run test:long', 'npm run test:soak']),
    )
    const soak = stepsOf('test').find(({ run }) => run === 'npm run test:soak')
    expect(soak?.env).toEqual({ WITH_AUTH_SOAK_MINUTES: 10 })
    // The files changed since the previous commit are unknown without that commit.
    const checkout = stepsOf('test').find(({ uses }) => uses?.includes('/checkout@'))
    expect(checkout?.with).toMatchObject({ 'fetch-depth': 0 })
    expect(commandsOf('pack')).toEqual(
      expect.arrayContaining(['npm audit signatures', 'npm run --silent sbom > sbom.cdx.json']),
    )
    // A job or a step that fails ends the release.
    expect(text).not.toMatch(/continue-on-error|\bif: /)
    const needs = Object.entries(jobs).map(([name, job]) => [name, job.needs])
    expect(Object.fromEntries(needs)).toEqual({ pack: 'test', publish: 'pack', attach: 'publish' })
  })

  it('only the job publish may publish, with provenance and without a stored token', () => {
    const rights = Object.entries(jobs).map(([name, { permissions }]) => [name, permissions])
    expect(Object.fromEntries(rights)).toEqual({
      test: { contents: 'read' },
      pack: { contents: 'read' },
      publish: { 'id-token': 'write' },
      attach: { contents: 'write' },
    })
    expect(text).not.toMatch(/secrets\.|_TOKEN: (?!\$\{\{ github\.token \}\})/)
  })

  it('only a tag starts it, with no setting for all jobs', () => {
    const { name, on, permissions, concurrency, jobs: all, ...others } = parse(text) as ReleaseFile
    expect([name, on]).toEqual(['release', { push: { tags: ['v*'] } }])
    expect([permissions, others]).toEqual([{}, {}])
    expect(concurrency).toEqual({ group: 'release', 'cancel-in-progress': false })
    expect(Object.keys(all)).toEqual(['test', 'pack', 'publish', 'attach'])
  })

  it('the job pack stops unless the tag names the version, before it runs code of others', () => {
    const [checkout, setup, tag, install] = stepsOf('pack')
    expect(checkout?.uses).toMatch(/^actions\/checkout@/)
    expect(setup?.uses).toMatch(/^actions\/setup-node@/)
    expect(tag).toEqual({
      name: 'The tag names the version',
      run: `test "$GITHUB_REF_NAME" = "v$(node -p "require('./package.json').version")"`,
    })
    expect(install).toEqual({ run: 'npm ci --ignore-scripts' })
  })

  // Whole, since a container, a registry or a variable such as NODE_OPTIONS would run code with the right to publish.
  it('the job publish runs npm alone: no code of this repository, and no package', () => {
    const action = (name: string): unknown =>
      expect.stringMatching(new RegExp(`^actions/${name}@[\\da-f]{40}$`))
    expect(jobs['publish']).toEqual({
      needs: 'pack',
      'runs-on': 'ubuntu-latest',
      'timeout-minutes': 15,
      environment: 'npm',
      permissions: { 'id-token': 'write' },
      steps: [
        { uses: action('setup-node'), with: { 'node-version': 24 } },
        // npm reads the configuration of the folder that it runs in, so the artifact lands elsewhere.
        { uses: action('download-artifact'), with: { name: 'package', path: 'packed' } },
        {
          name: 'The tarball has the hash that the job pack gave',
          run: `printf '%s  %s\\n' "$SHA512" "packed/with-auth-\${GITHUB_REF_NAME#v}.tgz" | sha512sum --check --strict`,
          env: { SHA512: '${{ needs.pack.outputs.sha512 }}' },
        },
        {
          run: 'npm publish "./packed/with-auth-${GITHUB_REF_NAME#v}.tgz" --provenance --access public --ignore-scripts',
        },
      ],
    })
  })

  it('the job publish stops unless the tarball has the hash that the job pack gave', () => {
    const pack = stepsOf('pack').find(({ id }) => id === 'pack')
    const check = stepsOf('publish').find(({ run }) => run?.includes('sha512sum'))
    expect(jobs['pack']?.outputs).toEqual({ sha512: '${{ steps.pack.outputs.sha512 }}' })

    const folder = mkdtempSync(join(tmpdir(), 'release-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const output = join(folder, 'output')
    const tarball = join(folder, 'packed/with-auth-1.2.3.tgz')
    const run = (script: string | undefined, cwd: string, SHA512 = '') => {
      const env = { ...process.env, GITHUB_REF_NAME: 'v1.2.3', GITHUB_OUTPUT: output, SHA512 }
      return spawnSync('bash', ['-e', '-c', script ?? ''], { cwd, env, encoding: 'utf8' }).status
    }
    mkdirSync(join(folder, 'packed'))
    writeFileSync(join(folder, 'packed/package.json'), '{"name":"with-auth","version":"1.2.3"}')
    expect(run(pack?.run, join(folder, 'packed'))).toBe(0)
    const [, sha512 = ''] = /^sha512=([\da-f]{128})\n$/.exec(readFileSync(output, 'utf8')) ?? []
    expect(run(check?.run, folder, sha512)).toBe(0)
    expect(run(check?.run, folder, '')).not.toBe(0)
    appendFileSync(tarball, '\0')
    expect(run(check?.run, folder, sha512)).not.toBe(0)
    rmSync(tarball)
    expect(run(check?.run, folder, sha512)).not.toBe(0)
  })
})
