import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { ConfigFileError, loadConfig, watchConfig } from '../../src/yaml.ts'
import { watchParsed } from '../../src/yaml/watch.ts'
import { untilRead, usePolling } from './polling.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { WatchedConfig } from '../../src/yaml.ts'
import type { Watch } from '../../src/yaml/watch.ts'

const ENDPOINT = 'https://auth.example.com/validate'
const SEED = `server: { port: 8321, auth: { endpoint: "${ENDPOINT}" } }\n`
const OGX = `
server:
  auth:
    provider_config: { type: custom, endpoint: ${ENDPOINT} }
    timeout_ms: 2000
`
const auth = (lines: string): string =>
  `server:\n  auth:\n    endpoint: ${ENDPOINT}\n${lines.replace(/^(?=.)/gm, '    ')}\n`

const pathOf = setupFolder()
let file: string
beforeEach(() => {
  file = pathOf('run.yaml')
  writeFileSync(file, SEED)
})

beforeEach(usePolling)

let close: () => void = () => undefined
afterEach(() => close())

describe('watchParsed', () => {
  /** A config is the text itself. */
  function watchTexts(watch: Partial<Watch<string>> & Pick<Watch<string>, 'read'>): () => void {
    const parse = (text: string): string => text
    const ignore = (): void => undefined
    const observers = { onChange: ignore, onError: ignore, onRecover: ignore }
    return watchParsed({ text: 'a', config: 'a', intervalMs: 1, parse, ...observers, ...watch })
  }

  it.each([
    ['parsed', (text: string) => text],
    ['rejected', (text: string) => (text === 'd' ? Promise.reject(new Error(text)) : text)],
  ])(
    'lets no change overtake a slow one, and drops one that is %s after the end',
    async (_, result) => {
      let now = 'a'
      const told: string[] = []
      close = watchTexts({
        read: () => now,
        parse: async (text) => {
          await new Promise((resolve) => void setTimeout(resolve, 100))
          return result(text)
        },
        onError: () => void told.push('an error'),
        onChange: (text) => void told.push(text),
      })
      for (now of ['b', 'c']) await vi.advanceTimersByTimeAsync(10)
      expect(told).toEqual([])
      await vi.advanceTimersByTimeAsync(300)
      expect(told).toEqual(['b', 'c'])
      now = 'd'
      await vi.advanceTimersByTimeAsync(10)
      close()
      await vi.advanceTimersByTimeAsync(300)
      expect(told).toEqual(['b', 'c'])
    },
  )

  const [gone, denied] = [new Error('gone'), new Error('denied')]

  it.each([
    ['nothing while nothing changes', ['a', 'a'], []],
    ['a change once, after it was read twice', ['a', 'b', 'b', 'b'], ['b']],
    ['no half-written file', ['', 'b', 'bc', 'bcd', 'bcd'], ['bcd']],
    [
      'a file that cannot be read, and that it can again',
      [gone, gone, gone, 'a', 'a'],
      [gone, 'recovered'],
    ],
    ['no error that lasts for one read', [gone, 'a', 'a'], []],
    [
      'two errors and an empty file apart',
      [gone, gone, denied, denied, '', ''],
      [gone, denied, ''],
    ],
    [
      'an error and a text that is its message apart',
      [gone, gone, 'Error: gone', 'Error: gone', gone, gone],
      [gone, 'Error: gone', gone],
    ],
  ])('reports %s', async (_, contents, expected) => {
    const told: unknown[] = []
    const tell = (value: unknown): void => void told.push(value)
    const rest = [...contents]
    const read = (): string => {
      const content = (rest.length > 1 ? rest.shift() : rest[0]) ?? ''
      if (typeof content === 'string') return content
      throw content
    }
    close = watchTexts({ read, onChange: tell, onError: tell, onRecover: () => tell('recovered') })
    await vi.advanceTimersByTimeAsync(20)
    expect(told).toEqual(expected)
  })

  it('begins an interval after a read, so that a slow one leaves time', async () => {
    const pending: number[] = []
    const read = (): string => {
      pending.push(vi.getTimerCount())
      return 'a'
    }
    close = watchTexts({ read })
    await vi.advanceTimersByTimeAsync(5)
    expect(pending).toEqual([0, 0, 0, 0, 0])
  })

  it('reads no more after the observer closes it, or while it waits', async () => {
    const read = vi.fn(() => 'b')
    close = watchTexts({ read, onChange: () => close() })
    watchTexts({ read })()
    await vi.advanceTimersByTimeAsync(50)
    expect(read).toHaveBeenCalledTimes(2)
  })
})

describe('a watched file', () => {
  async function watch(text = SEED, observers: object = {}) {
    writeFileSync(file, text)
    const [onChange, onError] = [vi.fn(), vi.fn()]
    const options = { env: { NO: '' }, onChange, onError, intervalMs: 10 }
    const watched: WatchedConfig = await watchConfig(file, { ...options, ...observers })
    close = () => watched.close()
    return { onChange, onError, watched }
  }

  async function change(text: string): Promise<void> {
    writeFileSync(file, text)
    await untilRead()
  }

  it('is read again when it changes', async () => {
    const { onChange, onError, watched } = await watch()
    expect(watched.config).toEqual({ endpoint: ENDPOINT })
    await change(OGX)
    const read = { endpoint: ENDPOINT, identity: 'required', timeoutMs: 2000 }
    expect(onChange).toHaveBeenCalledExactlyOnceWith(read)
    expect(watched.config).toEqual(read)
    expect(onError).not.toHaveBeenCalled()
  })

  it.each([
    ['a comment', OGX.replace('\n', '\n# why\n')],
    ['the order of keys', OGX.replace(/( +provider.*\n)( +timeout.*\n)/, '$2$1')],
    ['the spelling', OGX.replace('timeout_ms: 2000', '"timeout_ms": ${env.NO:=2e3} # as before')],
    ['nothing', OGX],
  ])('calls no observer after a change of %s', async (_, same) => {
    const { onChange, onError, watched } = await watch(OGX)
    const { config } = watched
    writeFileSync(`${file}.new`, same)
    renameSync(`${file}.new`, file)
    await untilRead()
    await change('server: 1')
    expect(onError).toHaveBeenCalledOnce()
    writeFileSync(file, same)
    utimesSync(file, 1, 1)
    await untilRead()
    expect(onChange).not.toHaveBeenCalled()
    expect(watched.config).toBe(config)
    const changed = same.replace(/2000|2e3/, '2001')
    await change(changed)
    await change(`${changed}# again`)
    expect(onChange).toHaveBeenCalledOnce()
  })

  it.each([
    [
      'the order of sources',
      'credentials: [bearer, { header: x }]',
      'credentials: [{ header: x }, bearer]',
    ],
    ['a header', 'endpoint_headers: { __proto__: a }', 'endpoint_headers: { __proto__: b }'],
    ['an option that is left out', 'realm: api', ''],
  ])('calls onChange after a change of %s', async (_, before, after) => {
    const { onChange } = await watch(auth(before))
    await change(auth(after))
    expect(onChange).toHaveBeenCalledOnce()
  })

  it('is read again when the link moves by which Kubernetes updates it', async () => {
    rmSync(file)
    for (const [name, text] of Object.entries({ one: SEED, two: OGX })) {
      mkdirSync(pathOf(name))
      writeFileSync(pathOf(`${name}/run.yaml`), text)
    }
    symlinkSync('one', pathOf('..data'))
    symlinkSync('..data/run.yaml', file)
    const { onChange, watched } = await watch()
    expect(watched.config).toEqual({ endpoint: ENDPOINT })
    symlinkSync('two', pathOf('..data_tmp'))
    renameSync(pathOf('..data_tmp'), pathOf('..data'))
    await untilRead()
    expect(onChange).toHaveBeenCalledOnce()
    expect(watched.config.timeoutMs).toBe(2000)
  })

  it('keeps its last config when it breaks, and calls onError once', async () => {
    const { onChange, onError, watched } = await watch()
    await change('server: { auht: {} }')
    expect(onError).toHaveBeenCalledExactlyOnceWith(expect.any(ConfigFileError))
    rmSync(file)
    await untilRead()
    expect(onError).toHaveBeenCalledTimes(2)
    expect(String(onError.mock.lastCall)).toContain('it does not exist')
    expect(watched.config).toEqual({ endpoint: ENDPOINT })
    expect(onChange).not.toHaveBeenCalled()
    await change(OGX)
    expect(onChange).toHaveBeenCalledOnce()
    expect(onError).toHaveBeenCalledTimes(2)
  })

  it('calls onRecover, and not onChange, when it has its last config again', async () => {
    const onRecover = vi.fn()
    const { onChange, onError } = await watch(SEED, { onRecover })
    await change(`${SEED}# first`)
    for (const times of [1, 2]) {
      await change('server: 1')
      expect(onError).toHaveBeenCalledTimes(times)
      expect(onRecover).toHaveBeenCalledTimes(times - 1)
      await change(`${SEED}# again`)
      expect(onRecover).toHaveBeenCalledTimes(times)
    }
    expect(onChange).not.toHaveBeenCalled()
    rmSync(file)
    await untilRead()
    await change(OGX)
    expect(onChange).toHaveBeenCalledOnce()
    await change(`${OGX}# again`)
    expect(onRecover).toHaveBeenCalledTimes(2)
  })

  it('reports an observer that throws to onError, and goes on', async () => {
    const onError = vi.fn(() => {
      throw new Error('deaf')
    })
    const onChange = vi.fn(() => {
      throw new Error('busy')
    })
    await watch(SEED, { onChange, onError })
    await change(OGX)
    expect(onError).toHaveBeenCalledWith(new Error('busy'))
    await change(SEED)
    await change(`${SEED}# again`)
    expect(onChange).toHaveBeenCalledTimes(3)
  })

  it.each([
    [
      { intervalMs: 3_600_001 },
      '"options.intervalMs" must be a number of milliseconds from 10 to 3600000, received 3600001',
    ],
    [{ onChange: 5 }, '"options.onChange" must be a function, received 5'],
    [
      { allowMissing: true },
      'Unknown option "options.allowMissing": expected one of "env", "accessPolicy", "onEvent", "onChange", "onError", "onRecover", "intervalMs"',
    ],
  ])('rejects the options %o', async (options, message) => {
    const option = message.split('"')[1] ?? ''
    await expect(watch(SEED, options)).rejects.toThrow(new AuthConfigError(option, message))
  })
})

describe('loadConfig', () => {
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
    const path = pathOf('no.yaml')
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
