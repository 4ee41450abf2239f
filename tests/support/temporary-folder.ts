import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'

/** Gives each test an empty folder and removes it afterwards. */
export function setupFolder(): (name: string) => string {
  let folder = ''
  beforeEach(() => {
    // In hex: a name with the token of a test in it, such as "k1", would be redacted from causes.
    folder = join(tmpdir(), `with-auth-${randomBytes(8).toString('hex')}`)
    mkdirSync(folder, { mode: 0o700 })
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  return (name) => join(folder, name)
}
