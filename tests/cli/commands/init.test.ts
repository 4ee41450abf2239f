import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configCommand } from '../../../src/cli/commands/config.ts'
import { initCommand } from '../../../src/cli/commands/init.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const from = process.cwd()
beforeEach(() => process.chdir(pathOf('.')))
afterEach(() => {
  process.chdir(from)
  vi.unstubAllEnvs()
})

const init = (...args: string[]) => runLine(['init', ...args], [initCommand])
const check = () => runLine(['config', 'run.yaml', '--json'], [configCommand])

describe('with-auth init', () => {
  it('writes a run.yaml that loads, with the loopback endpoint and the defaults', async () => {
    const { code, printed, noted } = await init()
    expect([code, noted]).toEqual([0, ''])
    expect(printed).toMatch(/^Wrote run\.yaml\..*\n\n {2}npx with-auth config run\.yaml\n/)
    const shown = await check()
    expect(shown.code).toBe(0)
    expect(JSON.parse(shown.printed)).toMatchObject({
      server: { auth: { endpoint: 'http://127.0.0.1:8321', cache: false, mode: 'enforce' } },
    })
  })

  it('has keys in its comments that load as well', async () => {
    await init()
    const text = readFileSync('run.yaml', 'utf8')
    const open = text.replaceAll(/^( +)# ([a-z_]+: )/gm, '$1$2')
    expect(open.split('\n').filter((line) => /^ +[a-z]/.test(line)).length).toBeGreaterThan(6)
    writeFileSync('run.yaml', open)
    vi.stubEnv('WITH_AUTH_ENDPOINT_SECRET', 's3cret')
    const { code, printed } = await check()
    expect(code).toBe(0)
    expect(JSON.parse(printed)).toMatchObject({
      server: {
        auth: {
          endpoint_headers: { 'x-auth-secret': '[redacted]' },
          cache: { allow_ttl_ms: 30_000 },
          public: ['/docs/*'],
          unavailable_status: 503,
          mode: 'shadow',
        },
      },
    })
  })

  it('prints the name of the file for programs', async () => {
    expect(await init('--json')).toEqual({ code: 0, printed: '{"file":"run.yaml"}\n', noted: '' })
  })

  it('never overwrites a file', async () => {
    writeFileSync('run.yaml', 'mine')
    const { code, printed, noted } = await init()
    expect([code, printed]).toEqual([1, ''])
    expect(noted).toBe(
      'with-auth: run.yaml exists already, and stays as it is: move it away, or edit it\n',
    )
    expect(readFileSync('run.yaml', 'utf8')).toBe('mine')
  })

  it('writes through no link, dangling or not', async () => {
    mkdirSync('elsewhere')
    symlinkSync('elsewhere/target', 'run.yaml')
    expect((await init()).code).toBe(1)
    expect(readdirSync('elsewhere')).toEqual([])
    writeFileSync('elsewhere/target', 'theirs')
    expect((await init()).code).toBe(1)
    expect(readFileSync('elsewhere/target', 'utf8')).toBe('theirs')
    expect(lstatSync('run.yaml').isSymbolicLink()).toBe(true)
  })

  it('takes no operand: the name is fixed', async () => {
    expect((await init('other.yaml')).code).toBe(2)
    expect(readdirSync('.')).toEqual([])
  })
})
