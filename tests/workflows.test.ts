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

/** How the package reaches its users. */

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

/** A linter of workflows would check this, but npm has none. */
describe('the workflows', () => {
  const files = readdirSync(join(ROOT, '.github/workflows'))
  const texts = files.map((file) => readText(`.github/workflows/${file}`))
  const jobs = texts.flatMap((text) => Object.values((parse(text) as Workflow).jobs))
  const steps = jobs.flatMap((job) => job.steps)

  it('pin each action to a commit', () => {
    const used = steps.flatMap(({ uses }) => uses ?? [])
    expect(used.filter((uses) => !/^[\w-]+\/[\w-]+@[\da-f]{40}$/.test(uses))).toEqual([])
  })

  it('give each job its own permissions and a time limit, and no checkout keeps its token', () => {
    for (const text of texts) expect((parse(text) as Workflow).permissions).toEqual({})
    for (const job of jobs) {
      expect(job.permissions).toBeDefined()
      expect(job['timeout-minutes']).toBeGreaterThan(0)
    }
    const checkouts = steps.filter(({ uses }) => uses?.includes('/checkout@'))
    const keep = checkouts.filter((step) => step.with?.['persist-credentials'] !== false)
    expect(keep).toEqual([])
  })

  it('run no install script and no expression within a shell command', () => {
    const lines = steps.flatMap(({ run = '' }) => run.split('\n'))
    expect(lines.filter((line) => line.includes('${{'))).toEqual([])
    const npm = lines.filter((line) => /\bnpm (ci|i|install|pack|publish)\b/.test(line))
    expect(npm.filter((line) => !line.includes(' --ignore-scripts'))).toEqual([])
  })
})

describe('release.yml', () => {
  const text = readText('.github/workflows/release.yml')
  const { jobs } = parse(text) as Workflow
  const stepsOf = (job: string) => jobs[job]?.steps ?? []

  it('packs after all tests have passed, and publishes what was packed', () => {
    const needs = Object.entries(jobs).map(([name, job]) => [name, job.needs])
    expect(Object.fromEntries(needs)).toEqual({ pack: 'test', publish: 'pack', attach: 'publish' })
    expect(stepsOf('test').map(({ run }) => run)).toEqual(expect.arrayContaining(['.ci/run']))
    // A failing job or step must end the release.
    expect(text).not.toMatch(/continue-on-error|\bif: /)
  })

  it('only the job publish may publish, without a stored token', () => {
    const rights = Object.entries(jobs).map(([name, { permissions }]) => [name, permissions])
    expect(Object.fromEntries(rights)).toEqual({
      test: { contents: 'read' },
      pack: { contents: 'read' },
      publish: { 'id-token': 'write' },
      attach: { contents: 'write' },
    })
    expect(text).not.toMatch(/secrets\.|_TOKEN: (?!\$\{\{ github\.token \}\})/)
  })

  it('the job pack checks that the tag names the version, before it runs code of dependencies', () => {
    const [checkout, setup, tag, install] = stepsOf('pack')
    expect(checkout?.uses).toMatch(/^actions\/checkout@/)
    expect(setup?.uses).toMatch(/^actions\/setup-node@/)
    expect(tag).toEqual({
      name: 'The tag names the version',
      run: `test "$GITHUB_REF_NAME" = "v$(node -p "require('./package.json').version")"`,
    })
    expect(install).toEqual({ run: 'npm ci --ignore-scripts' })
  })

  // Compared as a whole: a container, a registry or NODE_OPTIONS would run code with the right to publish.
  it('the job publish runs npm alone, and no code of this repository or of a dependency', () => {
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

  it(
    'the job publish stops if the tarball has another hash than the job pack wrote',
    { tags: ['slow'] },
    () => {
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
    },
  )
})
