import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import fsPromises from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withAuth } from '../../src/index.ts'
import { loadConfig, watchConfig } from '../../src/yaml.ts'
import { readConfigFile, UnreadableFileError } from '../../src/yaml/watch.ts'
import { get } from '../support/requests.ts'

const ENDPOINT = 'https://auth.example.com/validate'
const SEED = `server: { port: 8321, auth: { endpoint: "${ENDPOINT}" } }\n`
const auth = (lines: string): string =>
  `server:\n  auth:\n    endpoint: ${ENDPOINT}\n${lines.replace(/^(?=.)/gm, '    ')}\n`

import { MOST_TEXT } from '../../src/yaml/document.ts'

const folder = mkdtempSync(join(tmpdir(), 'with-auth-file-'))
afterEach(() => vi.restoreAllMocks())
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function write(name: string, content: string | Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

function link(name: string, target: string): string {
  symlinkSync(target, join(folder, name))
  return join(folder, name)
}

const pipe = join(folder, 'pipe')
execFileSync('mkfifo', [pipe])

const OPEN_FILES = '/proc/self/fd'

function listOpen(): string[] {
  return readdirSync(OPEN_FILES).flatMap((name) => {
    try {
      return readlinkSync(join(OPEN_FILES, name))
    } catch {
      // The one by which they were listed.
      return []
    }
  })
}

describe('readConfigFile', () => {
  it('reads UTF-8, also through a link', async () => {
    const file = write('a.yaml', '\ufeffä: 1')
    symlinkSync(file, join(folder, 'link'))
    expect(await readConfigFile(file)).toBe('\ufeffä: 1')
    expect(await readConfigFile(join(folder, 'link'))).toBe('\ufeffä: 1')
  })

  it.each([
    ['is longer than the limit', () => write('long', 'x'.repeat(MOST_TEXT + 1)), /longer than/],
    ['is not UTF-8', () => write('latin', Uint8Array.of(0x61, 0xe9)), /not UTF-8/],
    ['has no end', () => '/dev/zero', /^it is a device, not a regular file$/],
    ['is a folder', () => folder, /^it is a folder, not a regular file$/],
    ['is a pipe without a writer', () => pipe, /^it is a named pipe, not a regular file$/],
    ['is a link to a pipe', () => link('to-pipe', pipe), /^it is a named pipe, not/],
    ['is a link to nothing', () => link('dangling', 'nothing'), /^it does not exist$/],
    ['is not there', () => join(folder, 'no'), /^it does not exist$/],
    ['has an impossible name', () => 'a\0b', /ERR_INVALID_ARG_VALUE/],
  ])('refuses what %s', async (_, make, message) => {
    const reading = readConfigFile(make())
    await expect(reading).rejects.toThrow(message)
    await expect(reading).rejects.toBeInstanceOf(UnreadableFileError)
  })

  it('does not hang on a pipe that takes the place of the file after the look at it', async () => {
    const file = await fsPromises.stat(write('b.yaml', 'a: 1'))
    const look = vi.spyOn(fsPromises, 'stat').mockResolvedValueOnce(file)
    const reading = readConfigFile(pipe)
    await expect(reading).rejects.toThrow(/^it is a named pipe, not a regular file$/)
    expect(look).toHaveBeenCalledOnce()
  })

  it('opens only a regular file: a device may act on that', async () => {
    const open = vi.spyOn(fsPromises, 'open')
    await expect(readConfigFile('/dev/null')).rejects.toThrow('it is a device')
    expect(open).not.toHaveBeenCalled()
  })

  it('reads a file that is as long as the limit', async () => {
    expect(await readConfigFile(write('full', 'x'.repeat(MOST_TEXT)))).toHaveLength(MOST_TEXT)
  })

  it.runIf(existsSync(OPEN_FILES))('leaves none open (where the system lists them)', async () => {
    const [good, bad] = [write('good', 'a: 1'), write('bad', Uint8Array.of(0xff))]
    await readConfigFile(good)
    await readConfigFile(bad).catch(() => undefined)
    expect(listOpen().filter((file) => [good, bad].includes(file))).toEqual([])
  })

  /** Reads a file that gives these parts, one at a time, or that cannot be opened. */
  function readParts(parts: readonly string[], failure?: unknown): Promise<string> {
    const left = [...parts]
    const stat = async (): Promise<unknown> => ({ isFile: () => true })
    const handle = {
      stat,
      read: async (buffer: Uint8Array, offset: number) => {
        const bytes = new TextEncoder().encode(left.shift() ?? '')
        buffer.set(bytes, offset)
        return { bytesRead: bytes.length }
      },
      close: async () => undefined,
    }
    const open = async () => {
      if (failure !== undefined) throw failure
      return handle
    }
    vi.stubGlobal('process', { getBuiltinModule: () => ({ open, stat, constants: {} }) })
    return readConfigFile('a').finally(() => vi.unstubAllGlobals())
  }

  it('reads on until there is no more', async () => {
    expect(await readParts(['a: ', '1', '\n'])).toBe('a: 1\n')
    expect(await readParts([])).toBe('')
  })

  it.each([
    [Object.assign(new Error('s'), { name: 'NotCapable' }), 'permit it (on Deno, --allow-read)'],
    [Object.assign(new Error('s'), { code: 'EACCES' }), 'EACCES'],
    [Object.assign(new RangeError('s'), { code: 5 }), 'RangeError'],
    [new TypeError('s'), 'TypeError'],
  ])('says of %o no more than its kind', async (failure, message) => {
    await expect(readParts([], failure)).rejects.toThrow(new UnreadableFileError(message))
  })

  it.each([undefined, {}])('says what to do where there are no files', async (found) => {
    vi.stubGlobal('process', found)
    const reading = readConfigFile('a').finally(() => vi.unstubAllGlobals())
    await expect(reading).rejects.toThrow(/use parseConfig/)
  })
})

describe('loadConfig', () => {
  let file: string
  beforeEach(() => {
    file = write('run.yaml', SEED)
  })

  it('reads a file, with the options of parseConfig', async () => {
    expect(await loadConfig(file)).toEqual({ endpoint: ENDPOINT })
    writeFileSync(file, 'a: 1')
    expect(await loadConfig(file, { allowMissing: true })).toBeUndefined()
    await expect(loadConfig(file)).rejects.toThrow(`${file}:1:1: "server.auth" is missing`)
  })

  it('rejects with the one problem of a file that cannot be read', async () => {
    const path = join(folder, 'no.yaml')
    const message = 'The file cannot be read: it does not exist'
    const problems = [{ path, line: 0, column: 0, key: '', message, excerpt: '' }]
    await expect(loadConfig(path)).rejects.toMatchObject({ problems, option: '' })
  })

  it.each(['', 5, new URL('file:///a.yaml')])('rejects the path %o', async (path) => {
    const message = '"path" must be the name of a file, received '
    const named = { option: 'path', message: expect.stringContaining(message) as string }
    await expect(loadConfig(path as string)).rejects.toMatchObject(named)
    const observers = { onChange: vi.fn(), onError: vi.fn() }
    await expect(watchConfig(path as string, observers)).rejects.toMatchObject(named)
  })

  it('shows no content of a file that fails while it is read', async () => {
    const handle = {
      stat: async () => {
        throw new Error('gehe imenis')
      },
      close: async () => undefined,
    }
    const open = async () => handle
    const stat = async () => ({ isFile: () => true })
    vi.stubGlobal('process', { getBuiltinModule: () => ({ open, stat, constants: {} }) })
    const loading = loadConfig('a.yaml').finally(() => vi.unstubAllGlobals())
    await expect(loading).rejects.toMatchObject({
      message: 'a.yaml: The file cannot be read: an error while reading',
    })
  })

  it('uses the given variables, or those of the process', async () => {
    vi.stubEnv('WITH_AUTH_REALM', 'from-the-process')
    writeFileSync(file, auth('realm: ${env.WITH_AUTH_REALM}'))
    const observers = { onChange: vi.fn(), onError: vi.fn() }
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

  it('rejects unknown options', async () => {
    await expect(loadConfig(file, { path: 'x' } as object)).rejects.toMatchObject({
      option: 'options.path',
      message: 'Unknown option "options.path": expected one of "env", "allowMissing"',
    })
  })

  it('gives a config that guards a handler', async () => {
    const fetch = vi.fn(async () => new Response(null, { status: 403 }))
    const guarded = withAuth(() => new Response('in'), { ...(await loadConfig(file)), fetch })
    expect((await guarded(get('/', 'k1'))).status).toBe(401)
    expect(fetch).toHaveBeenCalledOnce()
  })
})
