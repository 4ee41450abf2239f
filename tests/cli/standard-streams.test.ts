import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { ensureBuilt } from '../support/built-package.ts'
import { ROOT } from '../support/project.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const COMMAND = join(ROOT, 'dist/cli.js')
const pathOf = setupFolder()

beforeAll(ensureBuilt, 60_000)

/** Runs a line of shell, in which `with-auth` is the built command and `$KEYS` a file of keys. */
function shell(line: string) {
  const text = `with_auth() { '${process.execPath}' '${COMMAND}' "$@"; }; ${line.replaceAll('with-auth', 'with_auth')}`
  const { status, stdout, stderr } = spawnSync('bash', ['--norc', '-c', text], {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], KEYS: pathOf('keys.yaml') },
  })
  return { status, stdout, stderr }
}

describe('standard input', { tags: ['slow'] }, () => {
  it('is read to its end, and no further than a key can be long', () => {
    const create = 'with-auth keys create --keys "$KEYS" --principal alice 2> /dev/null'
    const revoked = shell(`${create} | with-auth keys revoke - --keys "$KEYS"`)
    expect(revoked).toMatchObject({ status: 0, stdout: '' })
    expect(revoked.stderr).toMatch(/^with-auth: key_\w+ of alice is revoked\n$/)
    expect(shell('yes | with-auth keys revoke - --keys "$KEYS"')).toEqual({
      status: 2,
      stdout: '',
      stderr: 'with-auth: standard input must hold one key, in visible ASCII (it is not shown)\n',
    })
  })
})
