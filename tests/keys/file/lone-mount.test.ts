import { execFileSync } from 'node:child_process'
import fs, { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { findLoneMount } from '../../../src/files/lone-mount.ts'
import { createKey, createKeyEndpoint, listKeys, revokeKey } from '../../../src/keys.ts'
import { ask, entry, keysText } from '../../support/key-questions.ts'
import { mount } from '../../support/mount.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const mounted: string[] = []
const ONE = keysText(entry('k1'))
const ALONE =
  /^Cannot use .+: it is mounted alone.+ a key that is revoked outside would stay valid here\. Mount its folder instead/s
const REPLACED = /^Cannot use .+: another file has its name now.+ Mount its folder instead/s

// Runs before the folder is removed: hooks run in reverse.
afterEach(() => {
  for (const target of mounted.splice(0)) execFileSync('umount', [target])
})

function mountOrSkip(source: string, target: string, skip: (note: string) => void): void {
  if (!mount(source, target)) return skip('only root may mount, and only Linux mounts a file')
  mounted.push(target)
}

/** A file of keys on the host, and the path in another folder where a test mounts it. */
function setupHost(folder = 'container'): { readonly host: string; readonly inside: string } {
  const [host, inside] = [pathOf('host/keys.yaml'), pathOf(`${folder}/keys.yaml`)]
  for (const file of [host, inside]) {
    mkdirSync(dirname(file))
    writeFileSync(file, ONE)
  }
  return { host, inside }
}

/** Simulates a system that does not list its mounts. */
function hideMounts(): void {
  const read = fs.readFileSync
  const readMost = (...args: Parameters<typeof read>): unknown => {
    if (args[0] === '/proc/self/mountinfo') throw new Error('hidden')
    return read(...args)
  }
  vi.spyOn(fs, 'readFileSync').mockImplementation(readMost as typeof read)
}

function refusal(message: RegExp): object {
  const text: unknown = expect.stringMatching(message)
  return expect.objectContaining({ name: 'KeyFileError', code: 'unreadable', message: text })
}

it('a file that is not there is not mounted', () => {
  expect(findLoneMount(pathOf('none.yaml'))).toBeUndefined()
})

describe('a file that is mounted alone', () => {
  it.for(['container', 'a folder\twith \\ and é'])(
    'is not served and not changed, in %j',
    async (folder, { skip }) => {
      const { host, inside } = setupHost(folder)
      mountOrSkip(host, inside, skip)
      expect(() => createKeyEndpoint({ file: inside })).toThrow(refusal(ALONE))
      await expect(createKey(inside, { principal: 'bob' })).rejects.toEqual(refusal(ALONE))
      await expect(revokeKey(inside, 'k1')).rejects.toEqual(refusal(ALONE))
      expect(readdirSync(dirname(inside))).toEqual(['keys.yaml'])
      expect(fs.readFileSync(host, 'utf8')).toBe(ONE)
      expect(await listKeys(inside)).toMatchObject([{ id: 'k1', status: 'active' }])
      symlinkSync(inside, pathOf('link'))
      expect(() => createKeyEndpoint({ file: pathOf('link') })).toThrow(refusal(ALONE))
      const getBuiltinModule = process.getBuiltinModule.bind(process)
      vi.stubGlobal('process', { versions: { deno: '2' }, getBuiltinModule })
      // Deno would ask at a terminal.
      expect(findLoneMount(inside)).toBeUndefined()
      vi.unstubAllGlobals()
    },
  )

  it('is no longer served if it is mounted later', async ({ skip }) => {
    const { host, inside } = setupHost()
    const onError = vi.fn()
    const endpoint = createKeyEndpoint({ file: inside }, { onError })
    expect((await endpoint(ask('k1'))).status).toBe(200)
    mountOrSkip(host, inside, skip)
    expect((await endpoint(ask('k1'))).status).toBe(500)
    expect(onError).toHaveBeenCalledExactlyOnceWith(refusal(ALONE))
  })

  it('admits no revoked key where the system does not list its mounts', async ({ skip }) => {
    const { host, inside } = setupHost()
    mountOrSkip(host, inside, skip)
    hideMounts()
    const onError = vi.fn()
    const endpoint = createKeyEndpoint({ file: inside }, { onError })
    expect((await endpoint(ask('k1'))).status).toBe(200)
    await revokeKey(host, 'k1')
    expect((await endpoint(ask('k1'))).status).toBe(500)
    expect(onError).toHaveBeenCalledExactlyOnceWith(refusal(REPLACED))
    await expect(createKey(inside, { principal: 'bob' })).rejects.toEqual(refusal(REPLACED))
  })
})

describe('a file in a folder that is mounted', () => {
  it('is served and changed, on both sides', async ({ skip }) => {
    const { host, inside } = setupHost()
    mountOrSkip(dirname(host), dirname(inside), skip)
    const endpoint = createKeyEndpoint({ file: inside })
    expect((await endpoint(ask('k1'))).status).toBe(200)
    const { key } = await createKey(inside, { principal: 'bob' })
    expect((await endpoint(ask(key))).status).toBe(200)
    await revokeKey(host, 'k1')
    expect((await endpoint(ask('k1'))).status).toBe(401)
  })

  it('is served through the links of Kubernetes, which point elsewhere after a change', async () => {
    const write = (folder: string, text: string): void => {
      mkdirSync(pathOf(folder))
      writeFileSync(pathOf(`${folder}/keys.yaml`), text)
      symlinkSync(folder, pathOf('..data_tmp'))
      renameSync(pathOf('..data_tmp'), pathOf('..data'))
    }
    write('..2026_01', ONE)
    symlinkSync('..data/keys.yaml', pathOf('keys.yaml'))
    const endpoint = createKeyEndpoint({ file: pathOf('keys.yaml') })
    expect((await endpoint(ask('k1'))).status).toBe(200)
    write('..2026_02', keysText(entry('k1', { revoked: true })))
    fs.rmSync(pathOf('..2026_01'), { recursive: true })
    expect((await endpoint(ask('k1'))).status).toBe(401)
  })
})
