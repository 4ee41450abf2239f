/** @module-tag slow */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { createKey } from '../../../src/keys.ts'
import { ensureBuilt } from '../../support/built-package.ts'
import { listFiles, readText, ROOT } from '../../support/project.ts'
import { spawnProgram } from '../../support/spawned-program.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

/** The console in the built package. */

const DIST = join(ROOT, 'dist')
const inFolder = setupFolder()

beforeAll(ensureBuilt, 60_000)

describe('the built package', () => {
  it('has Hono with its licence in the file of the console, which the command loads when it serves the page', () => {
    const scripts = listFiles(DIST).filter((file) => file.endsWith('.js'))
    const filesWith = (text: string): string[] =>
      scripts.filter((file) => readFileSync(join(DIST, file), 'utf8').includes(text))
    expect(filesWith('node_modules/hono/')).toEqual(['parts/cli/console.js'])
    expect(filesWith(readText('node_modules/hono/LICENSE'))).toEqual(['parts/cli/console.js'])
    expect(filesWith('cli/console.js"')).toEqual(['parts/serve-console.js'])
    expect(filesWith('serve-console.js"')).toEqual(['parts/cli.js'])
    expect(filesWith('import("./serve-console.js")')).toEqual(['parts/cli.js'])
    expect(filesWith('from "hono').filter((file) => file.startsWith('parts/cli'))).toEqual([])
  })

  it('serves the page, and ends by Ctrl-C', async () => {
    await createKey(inFolder('keys.yaml'), { principal: 'alice' })
    const command = [process.execPath, join(DIST, 'cli.js'), 'console', '--keys', 'keys.yaml']
    const args = [...command, '--port=0', '--json']
    const [program = '', ...rest] = args
    const served = spawnProgram(program, rest, { cwd: inFolder('') })
    const [, url = ''] = await served.printed(/"url":"([^"]+)"/)
    for (const target of ['/', '/console.js', '/console.css']) {
      const response = await fetch(`${url}${target}`)
      expect([response.status, (await response.text()).length > 1000]).toEqual([200, true])
    }
    served.kill('SIGINT')
    expect(await served.ended).toBe(0)
  })
})
