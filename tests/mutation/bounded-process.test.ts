import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { afterEach, expect, it, vi } from 'vitest'
import { setupFolder } from '../support/temporary-folder.ts'
import { runNode } from './bounded-process.js'

const WITHIN = { timeout: 20_000 }

const pathOf = setupFolder()

afterEach(() => void vi.useRealTimers())

/** A program that starts a worker, which hears nothing, and says which. */
function stubborn(pidFile: string): string {
  const file = pathOf('parent.mjs')
  const worker = pathOf('worker.mjs')
  writeFileSync(worker, `process.on('SIGTERM', () => {}); process.send('here'); while (true);`)
  writeFileSync(
    file,
    `import { fork } from 'node:child_process'
     import { writeFileSync } from 'node:fs'
     const child = fork(${JSON.stringify(worker)})
     child.on('message', () => writeFileSync(${JSON.stringify(pidFile)}, String(child.pid)))`,
  )
  return file
}

function isRunning(pid: number): boolean {
  // Who has ended is a zombie until its parent, or the one in its place, looks after it.
  const file = `/proc/${pid}/stat`
  return existsSync(file) && !/^\d+ \(.*\) Z/.test(readFileSync(file, 'utf8'))
}

it('gives the exit code', async () => {
  expect(await runNode(['-e', ''], { limitMs: 60_000 })).toBe(0)
  expect(await runNode(['-e', 'process.exitCode = 3'], { limitMs: Infinity })).toBe(3)
})

it('does not begin when no time is left', async () => {
  const file = pathOf('ran')
  const program = `fs.writeFileSync(${JSON.stringify(file)}, '')`
  expect(await runNode(['-e', program], { limitMs: 0 })).toBeUndefined()
  expect(existsSync(file)).toBe(false)
})

it.skipIf(process.platform !== 'linux')(
  'ends a program that takes too long, and its workers (needs /proc)',
  { timeout: 60_000 },
  async () => {
    const pidFile = pathOf('pid')
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const running = runNode([stubborn(pidFile)], { limitMs: 60_000 })
    const read = (): number => (existsSync(pidFile) ? Number(readFileSync(pidFile, 'utf8')) : 0)
    await expect.poll(read, WITHIN).toBeGreaterThan(0)
    const pid = read()
    expect(isRunning(pid)).toBe(true)
    // To poll moves the clock on as well, by less than this.
    vi.advanceTimersByTime(60_000)
    expect(await running).toBeUndefined()
    await expect.poll(() => isRunning(pid), WITHIN).toBe(false)
  },
)
