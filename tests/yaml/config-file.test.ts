import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadConfig, watchConfig } from '../../src/yaml.ts'

const ENDPOINT = 'https://auth.example.com/validate'
const SEED = `server: { port: 8321, auth: { endpoint: "${ENDPOINT}" } }\n`
const auth = (lines: string): string =>
  `server:\n  auth:\n    endpoint: ${ENDPOINT}\n${lines.replace(/^(?=.)/gm, '    ')}\n`

const folder = mkdtempSync(join(tmpdir(), 'with-auth-file-'))
const file = join(folder, 'run.yaml')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('loadConfig', () => {
  beforeEach(() => writeFileSync(file, SEED))

  it('reads a file, with the options of parseConfig', async () => {
    expect(await loadConfig(file)).toEqual({ endpoint: ENDPOINT })
    writeFileSync(file, 'a: 1')
    expect(await loadConfig(file, { allowMissing: true })).toBeUndefined()
    await expect(loadConfig(file)).rejects.toThrow(`${file}:1:1: "server.auth" is missing`)
  })

  it('takes a function that is undefined for one that is left out, and nothing else', async () => {
    const none = { onEvent: undefined, onRecover: undefined }
    expect(await loadConfig(file, { onEvent: undefined } as object)).toEqual({ endpoint: ENDPOINT })
    const watched = await watchConfig(file, {
      onChange: vi.fn<() => void>(),
      onError: vi.fn<() => void>(),
      ...none,
    } as never)
    watched.close()
    await expect(loadConfig(file, { env: undefined } as object)).rejects.toThrow(
      '"options.env" must be left out or given a value (is a variable not set?)',
    )
  })

  it('rejects with the one problem of a file that cannot be read', async () => {
    const path = join(folder, 'no.yaml')
    const message = 'The file cannot be read: it does not exist'
    const place = { path, line: 0, column: 0, key: '', excerpt: '' }
    const problems = [{ ...place, optionPath: [], expected: message, message, isSecret: false }]
    await expect(loadConfig(path)).rejects.toMatchObject({ problems, option: '' })
  })

  it('names the way to read a text on a runtime without files', async () => {
    vi.stubGlobal('process', undefined)
    const loading = loadConfig(file)
    vi.unstubAllGlobals()
    await expect(loading).rejects.toThrow('this runtime has no file system: use parseConfig')
  })

  it.each(['', 5, new URL('file:///a.yaml')])('rejects the path %o', async (path) => {
    const message = '"path" must be the name of a file, received '
    const named = { option: 'path', message: expect.stringContaining(message) as string }
    await expect(loadConfig(path as string)).rejects.toMatchObject(named)
    const observers = { onChange: vi.fn<() => void>(), onError: vi.fn<() => void>() }
    await expect(watchConfig(path as string, observers)).rejects.toMatchObject(named)
  })

  it('uses the given variables, or those of the process', async () => {
    vi.stubEnv('WITH_AUTH_REALM', 'from-the-process')
    writeFileSync(file, auth('realm: ${env.WITH_AUTH_REALM}'))
    const observers = { onChange: vi.fn<() => void>(), onError: vi.fn<() => void>() }
    const realms = async (options: { env?: Record<string, string> }): Promise<unknown[]> => {
      const loaded = await loadConfig(file, options)
      const watched = await watchConfig(file, { ...observers, ...options })
      watched.close()
      return [loaded.realm, watched.config.realm]
    }
    expect(await realms({})).toEqual(['from-the-process', 'from-the-process'])
    expect(await realms({ env: { WITH_AUTH_REALM: 'given' } })).toEqual(['given', 'given'])
    await expect(realms({ env: {} })).rejects.toThrow('"WITH_AUTH_REALM" is not set')
    const watching = watchConfig(file, { ...observers, env: {} })
    await expect(watching).rejects.toThrow(`${file}:4:12: "server.auth.realm"`)
  })
})
