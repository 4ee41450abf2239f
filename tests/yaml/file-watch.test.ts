import { afterEach, describe, expect, it, vi } from 'vitest'
import { callLater, fingerprint, watchFile } from '../../src/yaml/file-watch.ts'
import type { FileContent } from '../../src/yaml/file-watch.ts'

let close: () => void = () => undefined
afterEach(() => close())

/** Watches a file that holds one thing after the other, one for each time that it is read. */
async function watch(...contents: (string | Error)[]): Promise<unknown[]> {
  const told: unknown[] = []
  const reads = vi.fn(async () => {
    const content = contents[Math.min(reads.mock.calls.length, contents.length) - 1] ?? ''
    if (typeof content === 'string') return content
    throw content
  })
  const onChange = ({ text, ...rest }: FileContent): void =>
    void told.push(text ?? ('error' in rest ? String(rest.error) : ''))
  close = watchFile({ read: reads, text: 'a', intervalMs: 1, onChange })
  await vi.waitFor(() => expect(reads.mock.calls.length).toBeGreaterThan(contents.length + 3), {
    timeout: 5000,
  })
  return told
}

describe('watchFile', () => {
  it('tells nothing while nothing changes', async () => {
    expect(await watch('a', 'a')).toEqual([])
  })

  it('tells a change once, when it was read twice', async () => {
    expect(await watch('a', 'b', 'b', 'b')).toEqual(['b'])
  })

  it('does not take a file that is being written for what it will be', async () => {
    expect(await watch('', 'b', 'bc', 'bcd', 'bcd')).toEqual(['bcd'])
  })

  it('tells that a file cannot be read, and that it can again', async () => {
    const gone = new Error('gone')
    expect(await watch(gone, gone, gone, 'a', 'a')).toEqual(['Error: gone', 'a'])
    close()
    expect(await watch(gone, 'a', 'a')).toEqual([])
  })

  it('tells errors from each other, and from a file that is empty', async () => {
    const [gone, denied] = [new Error('gone'), new Error('denied')]
    expect(await watch(gone, gone, denied, denied, '', '')).toEqual([
      'Error: gone',
      'Error: denied',
      '',
    ])
  })

  it('takes no text for an error that reads the same', async () => {
    const gone = new Error('gone')
    const text = 'Error: gone'
    expect(await watch(gone, gone, text, text, gone, gone)).toEqual([text, text, text])
  })

  it('reads no more once it is closed, by who is told or while it waits', async () => {
    const read = vi.fn(async () => 'b')
    const onChange = vi.fn(() => close())
    close = watchFile({ read, text: 'a', intervalMs: 1, onChange })
    await vi.waitFor(() => expect(onChange).toHaveBeenCalledOnce(), { timeout: 5000 })
    watchFile({ read, text: 'a', intervalMs: 1, onChange })()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(read).toHaveBeenCalledTimes(2)
  })

  it('tells nothing more once it is closed, not even what is being read', async () => {
    let finish: (text: string) => void = () => undefined
    const onChange = vi.fn()
    const read = vi.fn(() => new Promise<string>((resolve) => void (finish = resolve)))
    close = watchFile({ read, text: 'a', intervalMs: 1, onChange })
    await vi.waitFor(() => expect(read).toHaveBeenCalledOnce(), { timeout: 5000 })
    finish('b')
    await vi.waitFor(() => expect(read).toHaveBeenCalledTimes(2), { timeout: 5000 })
    close()
    finish('b')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(onChange).not.toHaveBeenCalled()
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

describe('callLater', () => {
  it('calls later, and not when it was cancelled', async () => {
    const [kept, cancelled] = [vi.fn(), vi.fn()]
    callLater(cancelled, 1)()
    callLater(kept, 5)
    await vi.waitFor(() => expect(kept).toHaveBeenCalledOnce(), { timeout: 5000 })
    expect(cancelled).not.toHaveBeenCalled()
  })

  it('keeps no process alive', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
    const before = timers()
    const cancel = callLater(() => undefined, 60_000)
    expect(timers()).toBe(before)
    cancel()
  })
})
