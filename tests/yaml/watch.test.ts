import fs, {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { ConfigFileError, watchConfig } from '../../src/yaml.ts'
import { fingerprint, watchParsed } from '../../src/yaml/watch.ts'
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

let close: () => void = () => undefined
afterEach(() => close())

/** Watches a file that holds one thing after the other, one for each time that it is read. A config is the text itself. */
async function watchContents(...contents: (string | Error)[]): Promise<unknown[]> {
  const told: unknown[] = []
  const read = vi.fn(() => {
    const content = contents[Math.min(read.mock.calls.length, contents.length) - 1] ?? ''
    if (typeof content === 'string') return content
    throw content
  })
  const tell = (value: unknown): void => void told.push(value)
  close = watchTexts({ read, onChange: tell, onError: tell, onRecover: () => tell('recovered') })
  await vi.waitFor(() => expect(read.mock.calls.length).toBeGreaterThan(contents.length + 3), {
    timeout: 5000,
  })
  return told
}

const noObservers = {
  onChange: (): void => undefined,
  onError: (): void => undefined,
  onRecover: (): void => undefined,
}

function watchTexts(watch: Partial<Watch<string>> & Pick<Watch<string>, 'read'>): () => void {
  const parse = (text: string): string => text
  return watchParsed({ ...noObservers, text: 'a', config: 'a', intervalMs: 1, parse, ...watch })
}

describe('watchParsed', () => {
  it.each([
    ['parsed', (text: string) => text],
    ['rejected', (text: string) => (text === 'd' ? Promise.reject(new Error(text)) : text)],
  ])(
    'lets no change overtake a slow one, and drops one that is %s after the end',
    async (_, result) => {
      let [now, isEnded] = ['a', false]
      const told: string[] = []
      let parsing = ''
      close = watchTexts({
        read: () => now,
        parse: async (text) => {
          parsing = text
          await new Promise((resolve) => void setTimeout(resolve, 100))
          return result(text)
        },
        onError: () => void told.push('an error'),
        onChange: (text) => void told.push(isEnded ? `${text} after the end` : text),
      })
      now = 'b'
      await vi.waitFor(() => expect(parsing).toBe('b'))
      now = 'c'
      await vi.waitFor(() => expect(told).toEqual(['b', 'c']))
      now = 'd'
      await vi.waitFor(() => expect(parsing).toBe('d'))
      close()
      isEnded = true
      await new Promise((resolve) => void setTimeout(resolve, 150))
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
  ])('reports %s', async (_, contents, told) => {
    expect(await watchContents(...contents)).toEqual(told)
  })

  it('waits a whole interval after a slow read', async () => {
    const pausesMs: number[] = []
    let endedAt: number | undefined
    const read = (): string => {
      const startedAt = performance.now()
      if (endedAt !== undefined) pausesMs.push(startedAt - endedAt)
      while (performance.now() < startedAt + 30);
      endedAt = performance.now()
      return 'a'
    }
    close = watchTexts({ read, intervalMs: 20 })
    await vi.waitFor(() => expect(pausesMs.length).toBeGreaterThan(3), { timeout: 5000 })
    expect(Math.min(...pausesMs)).toBeGreaterThan(15)
  })

  it('reads no more after the observer closes it, or while it waits', async () => {
    const read = vi.fn(() => 'b')
    const onChange = vi.fn(() => close())
    close = watchTexts({ read, onChange })
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), { timeout: 5000 })
    watchTexts({ read })()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(read).toHaveBeenCalledTimes(2)
  })
})

describe('fingerprint', () => {
  const own = (value: string): unknown => JSON.parse(`{ "__proto__": "${value}" }`)

  it.each<[unknown, unknown, boolean]>([
    [{ a: 1, b: { c: 2, d: 3 } }, { b: { d: 3, c: 2 }, a: 1 }, true],
    [{ a: [{ b: 1, c: 2 }] }, { a: [{ c: 2, b: 1 }] }, true],
    [[1, 2], [2, 1], false],
    [{ a: 1 }, { a: '1' }, false],
    [{ a: 1 }, { a: 1, b: 2 }, false],
    [{ a: {} }, { a: [] }, false],
    [own('a'), own('b'), false],
  ])('of %j and of %j is the same: %s', (one, other, isSame) => {
    expect(fingerprint(one) === fingerprint(other)).toBe(isSame)
  })
})

describe('a watched file', () => {
  let folder: string
  let file: string
  let watched: WatchedConfig | undefined
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'with-auth-yaml-'))
    file = join(folder, 'run.yaml')
    writeFileSync(file, SEED)
  })
  afterEach(() => {
    watched?.close()
    watched = undefined
    rmSync(folder, { recursive: true, force: true })
  })

  /** Waits until the file was read often enough to notice a change. */
  async function untilRead(): Promise<void> {
    const look = vi.spyOn(fs, 'statSync')
    const before = look.mock.calls.length
    await vi.waitFor(() => expect(look.mock.calls.length - before).toBeGreaterThan(4), enough)
  }

  async function watch(env: Record<string, string> = {}) {
    const onChange = vi.fn()
    const onError = vi.fn()
    watched = await watchConfig(file, { env, onChange, onError, intervalMs: 10 })
    return { onChange, onError, watched }
  }

  const enough = { timeout: 5000 }

  it('is read again when it changes', async () => {
    const { onChange, onError, watched: watch_ } = await watch()
    expect(watch_.config).toEqual({ endpoint: ENDPOINT })
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    const read = { endpoint: ENDPOINT, identity: 'required', timeoutMs: 2000 }
    expect(onChange).toHaveBeenCalledWith(read)
    expect(watch_.config.timeoutMs).toBe(2000)
    expect(onError).not.toHaveBeenCalled()
  })

  it.each([
    ['a comment', OGX.replace('\n', '\n# why\n')],
    ['the order of keys', OGX.replace(/( +provider.*\n)( +timeout.*\n)/, '$2$1')],
    ['the spelling', OGX.replace('timeout_ms: 2000', '"timeout_ms": ${env.NO:=2e3} # as before')],
    ['nothing', OGX],
  ])('calls no observer after a change of %s', async (_, same) => {
    writeFileSync(file, OGX)
    const { onChange, onError, watched: watch_ } = await watch({ NO: '' })
    const { config } = watch_
    writeFileSync(`${file}.new`, same)
    renameSync(`${file}.new`, file)
    await untilRead()
    expect(onChange).not.toHaveBeenCalled()
    writeFileSync(file, 'server: 1')
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), enough)
    writeFileSync(file, same)
    utimesSync(file, 1, 1)
    await untilRead()
    expect(onChange).not.toHaveBeenCalled()
    expect(watch_.config).toBe(config)
    const changed = same.replace(/2000|2e3/, '2001')
    writeFileSync(file, changed)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    writeFileSync(file, `${changed}# again`)
    await untilRead()
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
    writeFileSync(file, auth(before))
    const { onChange } = await watch()
    writeFileSync(file, auth(after))
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
  })

  it('is read again when the link moves by which Kubernetes updates it', async () => {
    rmSync(file)
    for (const [name, text] of Object.entries({ one: SEED, two: OGX })) {
      mkdirSync(join(folder, name))
      writeFileSync(join(folder, name, 'run.yaml'), text)
    }
    symlinkSync('one', join(folder, '..data'))
    symlinkSync('..data/run.yaml', file)
    const { onChange, watched: watch_ } = await watch()
    expect(watch_.config).toEqual({ endpoint: ENDPOINT })
    symlinkSync('two', join(folder, '..data_tmp'))
    renameSync(join(folder, '..data_tmp'), join(folder, '..data'))
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    expect(watch_.config.timeoutMs).toBe(2000)
  })

  it('keeps its last config when it breaks, and calls onError once', async () => {
    const { onChange, onError, watched: watch_ } = await watch()
    writeFileSync(file, 'server: { auht: {} }')
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce(), enough)
    expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(ConfigFileError)
    rmSync(file)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(2), enough)
    expect(String(onError.mock.calls[1]?.[0])).toContain('it does not exist')
    expect(watch_.config).toEqual({ endpoint: ENDPOINT })
    expect(onChange).not.toHaveBeenCalled()
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    expect(onError).toHaveBeenCalledTimes(2)
  })

  it('calls onRecover, and not onChange, when it has its last config again', async () => {
    const [onChange, onError, onRecover] = [vi.fn(), vi.fn(), vi.fn()]
    watched = await watchConfig(file, { onChange, onError, onRecover, intervalMs: 10 })
    writeFileSync(file, `${SEED}# first`)
    await untilRead()
    for (const times of [1, 2]) {
      writeFileSync(file, 'server: 1')
      await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(times), enough)
      expect(onRecover).toHaveBeenCalledTimes(times - 1)
      writeFileSync(file, `${SEED}# again`)
      await vi.waitFor(() => expect(onRecover).toHaveBeenCalledTimes(times), enough)
    }
    expect(onChange).not.toHaveBeenCalled()
    rmSync(file)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledTimes(3), enough)
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), enough)
    writeFileSync(file, `${OGX}# again`)
    await untilRead()
    expect(onRecover).toHaveBeenCalledTimes(2)
  })

  it('reports an observer that throws to onError, and goes on', async () => {
    const onError = vi.fn(() => {
      throw new Error('deaf')
    })
    const onChange = vi.fn(() => {
      throw new Error('busy')
    })
    watched = await watchConfig(file, { onChange, onError, intervalMs: 10 })
    writeFileSync(file, OGX)
    await vi.waitFor(() => expect(onError).toHaveBeenCalledWith(new Error('busy')), enough)
    writeFileSync(file, SEED)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(2), enough)
    writeFileSync(file, `${SEED}# again`)
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledTimes(3), enough)
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
    const observers = { onChange: vi.fn(), onError: vi.fn() }
    const watching = watchConfig(file, { ...observers, ...options } as never)
    await expect(watching).rejects.toThrow(
      new AuthConfigError(message.split('"')[1] ?? '', message),
    )
  })
})
