import { once } from 'node:events'
import fs, {
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { connect, createServer } from 'node:net'
import { dirname } from 'node:path'
import { isMainThread, Worker } from 'node:worker_threads'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { watchDecisions } from '../../../src/cli/watch/client.ts'
import { answerChallenge } from '../../../src/cli/watch/challenge.ts'
import { createFeed } from '../../../src/cli/watch/feed.ts'
import { close, findFreePort } from '../../support/loopback.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { StatSyncOptions } from 'node:fs'
import type { Watched } from '../../../src/cli/watch/client.ts'
import type { Feed } from '../../../src/cli/watch/feed.ts'
import type { WatchPlace } from '../../../src/cli/watch/place.ts'

const SECRET = 'watch-s3cret-0123456789'
const DECISION = { type: 'decision', outcome: 'allow', status: 200, path: '/v1' } as const
/** Looks all the time at the rights of others in a folder. */
const LOOK = `
const { lstatSync, readdirSync } = require('node:fs')
const { parentPort, receiveMessageOnPort, workerData } = require('node:worker_threads')
parentPort.postMessage('started')
const seen = new Set()
while (receiveMessageOnPort(parentPort) === undefined) {
  for (const name of readdirSync(workerData)) {
    const found = lstatSync(workerData + '/' + name, { throwIfNoEntry: false })
    if (found !== undefined) seen.add(found.mode & 0o77)
  }
}
parentPort.postMessage([...seen])
`
const inFolder = setupFolder()
const ends: (() => unknown)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const end of ends.splice(0)) await end()
})

async function startFeed(place: WatchPlace): Promise<Feed> {
  const feed = createFeed(place, 'gateway')
  ends.push(feed.close)
  await feed.listen()
  return feed
}

/** Collects what a watcher sees. */
function watch(place: WatchPlace): Watched[] {
  const controller = new AbortController()
  const seen: Watched[] = []
  const run = async (): Promise<void> => {
    for await (const entry of watchDecisions(place, controller.signal, 20)) seen.push(entry)
  }
  const running = run()
  ends.unshift(() => {
    controller.abort()
    return running
  })
  return seen
}

/** Changes functions of the file system until the end of the test. */
function changeFiles(changed: Readonly<Record<string, unknown>>): void {
  const own = Object.fromEntries(Object.keys(changed).map((name) => [name, Reflect.get(fs, name)]))
  const set = (functions: object): void => {
    Object.assign(fs, functions)
    syncBuiltinESMExports()
  }
  set(changed)
  ends.unshift(() => set(own))
}

const until = (check: () => void): Promise<void> =>
  vi.waitFor(check, { timeout: 10_000, interval: 5 })

describe('the socket of --watch-socket', () => {
  it('sends each decision to this user alone, and is removed at the end', async () => {
    const path = inFolder('watch.sock')
    const feed = await startFeed({ path })
    expect(lstatSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(inFolder('.'))).toEqual(['watch.sock'])
    const seen = watch({ path })
    await until(() => expect(seen).toEqual([{ type: 'watching', from: 'gateway' }]))
    feed.send({ ...DECISION, method: 'GET', principal: 'alice' })
    await until(() => expect(seen).toHaveLength(2))
    const time: unknown = expect.stringMatching(/^\d{4}-.*Z$/)
    expect(seen[1]).toMatchObject({ ...DECISION, method: 'GET', principal: 'alice', time })
    await feed.close()
    expect(readdirSync(inFolder('.'))).toEqual([])
  })

  // The mutation tester runs tests in threads, which cannot set it.
  it.runIf(isMainThread)('is at no moment open to others, whatever the umask is', async () => {
    const looking = new Worker(LOOK, { eval: true, workerData: inFolder('.') })
    ends.unshift(() => looking.terminate())
    await new Promise((resolve) => looking.once('message', resolve))
    const before = process.umask(0)
    ends.unshift(() => process.umask(before))
    const rights = new Set<number>()
    const { renameSync } = fs
    changeFiles({
      renameSync: (from: string, to: string) => {
        rights.add(lstatSync(from).mode & 0o77)
        renameSync(from, to)
      },
    })
    for (let round = 0; round < 200; round += 1) {
      const feed = createFeed({ path: inFolder('watch.sock') }, 'gateway')
      await feed.listen()
      await feed.close()
    }
    // oxlint-disable-next-line require-post-message-target-origin -- of a worker
    looking.postMessage('end')
    expect(await new Promise((resolve) => looking.once('message', resolve))).toEqual([0])
    // The other thread may miss the moment at which the socket comes to its place.
    expect([...rights]).toEqual([0])
  })

  it('replaces the socket of a process that has ended, and nothing else', async () => {
    const path = inFolder('stale.sock')
    const first = await startFeed({ path })
    await expect(startFeed({ path })).rejects.toThrow(
      `--watch-socket ${path}: another process listens there`,
    )
    first.send(DECISION)
    // As after SIGKILL: the name stays, and nobody listens.
    const stale = createServer()
    const lost = inFolder('lost.sock')
    await new Promise<void>((resolve) => stale.listen(inFolder('made.sock'), resolve))
    linkSync(inFolder('made.sock'), lost)
    await close(stale)
    const second = await startFeed({ path: lost })
    const seen = watch({ path: lost })
    await until(() => expect(seen).toHaveLength(1))
    await second.close()

    const file = inFolder('keys.yaml')
    writeFileSync(file, 'keys: []')
    symlinkSync(path, inFolder('link'))
    mkdirSync(inFolder('folder'))
    for (const name of ['keys.yaml', 'link', 'folder']) {
      await expect(startFeed({ path: inFolder(name) })).rejects.toThrow(
        `--watch-socket ${inFolder(name)}: there is a file that is no socket`,
      )
    }
    for (const [folder, why] of [
      ['none', 'its folder does not exist'],
      ['keys.yaml', 'it cannot be made (ENOTDIR)'],
    ] as const) {
      const inside = inFolder(`${folder}/watch.sock`)
      await expect(startFeed({ path: inside })).rejects.toThrow(`--watch-socket ${inside}: ${why}`)
    }
  })

  it('does not remove the socket of a process that took its place', async () => {
    const path = inFolder('taken.sock')
    const first = await startFeed({ path })
    rmSync(path)
    await startFeed({ path })
    await first.close()
    expect(lstatSync(path).isSocket()).toBe(true)
  })

  it('starts and ends well if another process removes what it has just seen', async () => {
    const path = inFolder('gone.sock')
    await startFeed({ path })
    const { lstatSync: look } = fs
    changeFiles({
      lstatSync: (seen: string, options?: StatSyncOptions) => {
        const found = look(seen, options)
        if (seen === path && found !== undefined) unlinkSync(path)
        return found
      },
    })
    const feed = await startFeed({ path })
    await feed.close()
    expect(readdirSync(inFolder('.'))).toEqual([])
  })

  it('names the flag if the folder in which it is made, beside its place, is removed', async () => {
    const path = inFolder('lost.sock')
    const folders: string[] = []
    const { mkdtempSync } = fs
    changeFiles({
      mkdtempSync: (prefix: string) => {
        const made = mkdtempSync(prefix)
        folders.push(dirname(made))
        rmSync(made, { recursive: true })
        return made
      },
    })
    await expect(startFeed({ path })).rejects.toMatchObject({
      message: `--watch-socket ${path}: it cannot be made (EACCES)`,
      cause: { code: 'EACCES' },
    })
    expect(folders).toEqual([dirname(path)])
  })
})

describe('a watcher', () => {
  it('that does not read loses lines, and is told how many', async () => {
    const path = inFolder('slow.sock')
    const feed = await startFeed({ path })
    const socket = connect(path)
    ends.unshift(() => socket.destroy())
    await new Promise((resolve) => socket.once('connect', resolve))
    const other = watch({ path })
    await until(() => expect(other[0]?.type).toBe('watching'))
    for (let count = 0; count < 20_000; count += 1)
      feed.send({ ...DECISION, path: '/x'.repeat(120) })
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk) => (text += String(chunk)))
    await until(() => {
      feed.send(DECISION)
      expect(text).toContain('"log lines dropped because the reader was too slow: ')
    })
  })

  it('connects again after the server has started again', async () => {
    const path = inFolder('again.sock')
    const seen = watch({ path })
    await until(() =>
      expect(seen[0]).toEqual({ type: 'lost', cause: 'nothing listens there (ENOENT)' }),
    )
    const first = await startFeed({ path })
    await until(() => expect(seen.at(-1)?.type).toBe('watching'))
    await first.close()
    await until(() => expect(seen.at(-1)?.type).toBe('lost'))
    const second = await startFeed({ path })
    await until(() => expect(seen.at(-1)?.type).toBe('watching'))
    second.send(DECISION)
    await until(() => expect(seen.at(-1)).toMatchObject(DECISION))
  })

  it('is one of at most eight', async () => {
    const path = inFolder('many.sock')
    await startFeed({ path })
    const seen = Array.from({ length: 8 }, () => watch({ path }))
    await until(() => expect(seen.map((one) => one[0]?.type)).toEqual(Array(8).fill('watching')))
    const ninth = watch({ path })
    await until(() => expect(ninth[0]).toEqual({ type: 'lost', cause: '8 others watch already' }))
  })

  it('that sends something loses its connection, because the feed reads nothing', async () => {
    const path = inFolder('talks.sock')
    await startFeed({ path })
    const socket = connect(path)
    ends.unshift(() => socket.destroy())
    await once(socket, 'data')
    const closed = once(socket.resume(), 'close')
    socket.write('x')
    await closed
    expect(socket.destroyed).toBe(true)
  })
})

describe('a loopback port', () => {
  it('sends decisions to those who have the secret, which is not sent', async () => {
    const place = { host: '127.0.0.1', port: await findFreePort(), secret: SECRET }
    const feed = await startFeed(place)
    const seen = watch(place)
    await until(() => expect(seen).toEqual([{ type: 'watching', from: 'gateway' }]))
    const other = watch({ ...place, secret: SECRET.replace('9', '8') })
    await until(() =>
      expect(other[0]).toEqual({
        type: 'lost',
        cause: 'WITH_AUTH_WATCH_SECRET is another one there',
      }),
    )
    feed.send(DECISION)
    await until(() => expect(seen[1]).toMatchObject(DECISION))
    expect(other.filter(({ type }) => type === 'decision')).toEqual([])
  })

  it('sends no decision to a program that answers the challenge wrongly, or not at all', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const place = { host: '127.0.0.1', port: await findFreePort(), secret: SECRET }
    const feed = await startFeed(place)
    const got: string[] = []
    const answer = async (text: string) => {
      const socket = connect(place.port, place.host).on('error', () => undefined)
      ends.unshift(() => socket.destroy())
      const closed = once(socket, 'close')
      socket.write(text)
      const challenged = once(socket, 'data')
      socket.on('data', (chunk) => {
        got.push(chunk.toString())
        feed.send(DECISION)
      })
      await challenged
      return { socket, closed }
    }
    const wrong = ['GET / HTTP/1.1\r\n\r\n', `${SECRET}\n`, `${'0'.repeat(64)}\n`]
    for (const text of [...wrong, 'x'.repeat(65), 'x'.repeat(9999)]) {
      await (
        await answer(text)
      ).closed
    }
    const { socket } = await answer('')
    expect(vi.getTimerCount()).toBe(1)
    socket.destroy()
    // A poll would let the time pass.
    for (let turn = 0; turn < 1_000_000 && vi.getTimerCount() > 0; turn += 1) {
      await new Promise(setImmediate)
    }
    expect(vi.getTimerCount()).toBe(0)
    const silent = await Promise.all([answer(''), answer('0'.repeat(64))])
    vi.advanceTimersByTime(1999)
    expect(vi.getTimerCount()).toBe(2)
    vi.advanceTimersByTime(1)
    await Promise.all(silent.map(({ closed }) => closed))
    expect(got.join('')).toContain('"challenge"')
    expect(got.join('')).not.toMatch(/decision|watching|s3cret/)
  })

  it('takes an answer that arrives in parts', async () => {
    const place = { host: '127.0.0.1', port: await findFreePort(), secret: SECRET }
    await startFeed(place)
    const socket = connect(place.port, place.host).setNoDelay(true)
    ends.unshift(() => socket.destroy())
    const [challenge] = (await once(socket, 'data')) as [Buffer]
    const { nonce } = JSON.parse(challenge.toString()) as { nonce: string }
    const next = once(socket, 'data') as Promise<[Buffer]>
    for (const part of `${await answerChallenge(SECRET, nonce)}\n`) {
      socket.write(part)
      await new Promise(setImmediate)
    }
    expect(String((await next)[0])).toBe('{"type":"watching","from":"gateway"}\n')
  })

  it('that is in use is reported by the flag', async () => {
    const place = { host: '127.0.0.1', port: await findFreePort(), secret: SECRET }
    await startFeed(place)
    await expect(startFeed(place)).rejects.toThrow(
      `--watch-socket ${place.port} is in use on 127.0.0.1: choose another port`,
    )
  })
})
