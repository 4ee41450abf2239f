import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import process from 'node:process'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { configCommand } from '../../../src/cli/commands/config.ts'
import { initCommand } from '../../../src/cli/commands/init.ts'
import { createKey } from '../../../src/keys.ts'
import { nameOf, TEMPLATES } from '../../../src/cli/init/templates.ts'
import { pageNamed } from '../../documentation/pages.ts'
import { readText } from '../../support/project.ts'
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
    expect(printed).toBe(`Wrote run.yaml. Edit it, then check and use it:

  npx with-auth config run.yaml
  npx with-auth gateway --config run.yaml --upstream http://127.0.0.1:8000

No auth endpoint yet? Create a key, and serve it in another terminal:

  npx with-auth keys create --keys keys.yaml --principal alice > key.txt
  npx with-auth endpoint --keys keys.yaml
`)
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
})

describe('with-auth init --for', () => {
  const all = [...TEMPLATES].map(([name, template]) => ({ name, ...template }))
  const isConfig = (file: string): boolean => /\/(?:run|gateway)\.yaml$/.test(file)

  it.each(all)('$name writes what docs/$page.md shows or links', async ({ name, page, files }) => {
    const { code, printed, noted } = await init('--for', name)
    expect([code, noted]).toEqual([0, ''])
    const names = files.map(nameOf)
    expect(printed).toContain(`Wrote ${names.join(', ')}. `)
    expect(printed).toContain(`/docs/${page}.md\n`)
    const { text, fences } = pageNamed(`docs/${page}.md`)
    for (const file of files) {
      const source = readText(`examples/${file}`)
      const written = readFileSync(nameOf(file), 'utf8')
      expect(isConfig(file) ? written.replace(/^(?:#.*\n)+/, '') : written).toBe(source)
      const isShown = fences.some((fence) => fence.code === source)
      expect(isShown || text.includes(`examples/${file})`) || name === 'endpoint').toBe(true)
    }
    expect(page.startsWith('frameworks/') || text.includes('with-auth init')).toBe(true)
  })

  it.each(all.filter(({ files }) => files.some(isConfig)))(
    '$name writes a config that loads, with its schema, its page and comments',
    async ({ name, page, files }) => {
      vi.stubEnv('CLIENT_SECRET', 's3cret')
      await createKey('keys.yaml', { principal: 'alice' })
      await init('--for', name)
      const file = nameOf(files[0] ?? '')
      const { code, noted } = await runLine(['config', file], [configCommand])
      expect([code, noted]).toEqual([0, ''])
      const docs = 'https://github.com/OWNER/with-auth/blob/main/docs'
      const head = `# yaml-language-server: $schema=./node_modules/with-auth/schema.json
# All keys: ${docs}/yaml.md
${name === 'endpoint' ? '' : `# This file: ${docs}/${page}.md\n`}`
      const source = readText(`examples/${files[0]}`)
      expect(readFileSync(file, 'utf8')).toBe(head + source)
      expect(source).toMatch(/^[^#\n].* # /m)
    },
  )

  it('says how a page that is asked for goes on, and for programs which files it wrote', async () => {
    const { printed } = await init('--for', 'keycloak')
    expect(printed).toBe(`Wrote run.yaml. Edit it, then check and use it:

  npx with-auth check --config run.yaml
  npx with-auth gateway --config run.yaml --upstream http://127.0.0.1:8000

See https://github.com/OWNER/with-auth/blob/main/docs/servers/keycloak.md
`)
    expect((await init('--for', 'caddy')).printed).toBe(
      'Wrote Caddyfile. See https://github.com/OWNER/with-auth/blob/main/docs/forward-auth.md\n',
    )
    expect((await init('--for', 'haproxy', '--json')).printed).toBe(
      '{"files":["haproxy.cfg","with-auth.lua"]}\n',
    )
  })

  it('writes all files or none, and overwrites none', async () => {
    writeFileSync('nginx.conf', 'mine')
    const { code, noted } = await init('--for', 'oauth2-proxy-keys')
    expect(code).toBe(1)
    expect(noted).toBe(
      'with-auth: nginx.conf exists already, and stays as it is: move it away, or edit it\n',
    )
    expect(readdirSync('.')).toEqual(['nginx.conf'])
    expect(readFileSync('nginx.conf', 'utf8')).toBe('mine')
  })

  it('says why it cannot write', async () => {
    rmSync(pathOf('.'), { recursive: true })
    const { code, noted } = await init()
    expect([code, noted]).toEqual([1, 'with-auth: Cannot write run.yaml: ENOENT\n'])
  })

  it.each([
    ['keycloack', 'with-auth: --for has no files for "keycloack": did you mean keycloak?'],
    [
      'nothing-like-it',
      'with-auth: --for has no files for "nothing-like-it": "with-auth init --list" has all names',
    ],
    [
      '__proto__',
      'with-auth: --for has no files for "__proto__": "with-auth init --list" has all names',
    ],
  ])('knows no %s, and says which name was meant', async (name, message) => {
    const { code, noted } = await init('--for', name)
    expect([code, noted.split('\n')[0]]).toEqual([2, message])
    expect(readdirSync('.')).toEqual([])
  })
})

it('with-auth init --list has a line for each name, and writes nothing', async () => {
  const { code, printed } = await init('--list')
  expect(code).toBe(0)
  const lines = printed.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^NAME +FOR +FILES$/)
  expect(lines.slice(1).map((line) => line.split(' ')[0])).toEqual([...TEMPLATES.keys()])
  expect(lines).toContainEqual(
    expect.stringMatching(/^keycloak +tokens of Keycloak, by its keys +run\.yaml$/),
  )
  const { templates } = JSON.parse((await init('--list', '--json')).printed) as {
    templates: { summary: string; files: string[] }[]
  }
  expect(new Set(templates.map(({ summary }) => summary)).size).toBe(templates.length)
  expect(
    templates.filter(({ summary, files }) => !/\w/.test(summary) || files.length === 0),
  ).toEqual([])
  expect(templates[1]).toEqual({
    name: 'keycloak',
    summary: 'tokens of Keycloak, by its keys',
    page: 'https://github.com/OWNER/with-auth/blob/main/docs/servers/keycloak.md',
    files: ['run.yaml'],
  })
  expect(readdirSync('.')).toEqual([])
})
