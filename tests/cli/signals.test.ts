import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { ROOT } from '../support/project.ts'
import { ensureBuilt } from '../support/built-package.ts'

const PROGRAM = `
import { nextSignal } from './dist/cli/surroundings.js'
const timer = setInterval(() => undefined, 1000)
const first = nextSignal()
console.log('ready')
const signal = await first
const second = nextSignal()
console.log(signal)
console.log(await second)
clearInterval(timer)
`

describe('nextSignal', () => {
  it('tells of one signal after the other, which then do not end the process', async () => {
    ensureBuilt()
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], { cwd: ROOT })
    let printed = ''
    const wait = async (text: string): Promise<void> => {
      while (!printed.includes(text)) await once(child.stdout, 'data')
    }
    child.stdout.setEncoding('utf8').on('data', (text) => (printed += String(text)))
    await wait('ready')
    child.kill('SIGTERM')
    await wait('SIGTERM')
    child.kill('SIGINT')
    const [code] = (await once(child, 'close')) as [number | null]
    expect({ code, printed }).toEqual({ code: 0, printed: 'ready\nSIGTERM\nSIGINT\n' })
  }, 60_000)
})
