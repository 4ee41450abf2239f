import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { gatewayCommand } from '../src/cli/commands/gateway.ts'
import { COMMON_OPTIONS, readCommandLine } from '../src/cli/command-line.ts'
import { whyMissing } from './support/installed.ts'
import { readText } from './support/project.ts'
import { setupFolder } from './support/temporary-folder.ts'

const FILE = 'examples/systemd/with-auth.service'
const UNIT = readText(FILE)
const missing = whyMissing(['systemd-analyze', '--version'], 'systemd')

function valueOf(key: string): string {
  return new RegExp(`^${key}=(.*)$`, 'm').exec(UNIT)?.[1] ?? ''
}

describe('the systemd unit of the examples', () => {
  const pathOf = setupFolder()

  /** The complaints of `systemd-analyze verify`. The command of the unit is not installed here. */
  function verify(unit: string): string {
    const file = join(pathOf('.'), 'with-auth.service')
    writeFileSync(file, unit.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`))
    const args = ['verify', '--man=no', file]
    const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' })
    return status === 0 ? `${stdout}${stderr}` : `exit code ${status}: ${stderr}`
  }

  it.skipIf(missing)(`has only settings that systemd knows (${missing ?? 'checked'})`, () => {
    expect(verify(UNIT)).toBe('')
    expect(verify(UNIT.replace('TimeoutStopSec=', 'TimeoutStopSecs='))).toContain('Unknown key')
  })

  it('waits longer for the end than open requests may take', () => {
    const [, drainMs = ''] = /DRAIN_MS = ([\d_]+)/.exec(readText('src/cli/serving/serve.ts')) ?? []
    const stopMs = Number(valueOf('TimeoutStopSec')) * 1000
    expect(stopMs).toBeGreaterThan(Number(drainMs.replaceAll('_', '') || 'missing'))
  })

  it('starts the gateway with options that it knows, and without npx or a secret', () => {
    const [program = '', command, ...args] = valueOf('ExecStart').split(' ')
    expect(program).toMatch(/^\/.*\/node_modules\/\.bin\/with-auth$/)
    expect(command).toBe('gateway')
    const line = readCommandLine(args, { ...gatewayCommand.options, ...COMMON_OPTIONS })
    expect([line.operands, line.has('healthz')]).toEqual([[], true])
    expect(UNIT).not.toMatch(/^Environment=/m)
  })
})
