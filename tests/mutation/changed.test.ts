import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, it } from 'vitest'
import { setupFolder } from '../support/temporary-folder.ts'
import { findChanged } from './changed.js'

const pathOf = setupFolder()
let origin = ''

beforeEach(() => {
  origin = pathOf('origin')
  mkdirSync(join(origin, 'src/core/policies'), { recursive: true })
  mkdirSync(join(origin, 'tests/core/policies'), { recursive: true })
  git(origin, 'init', '--quiet', '--initial-branch=main')
  commit(origin, 'src/core/a.ts', 'src/core/b.ts', 'src/core/policies/c.ts', 'src/node.ts')
})

function git(folder: string, ...args: string[]): void {
  const identity = ['-c', 'user.name=n', '-c', 'user.email=e', '-c', 'commit.gpgsign=false']
  execFileSync('git', [...identity, ...args], { cwd: folder, stdio: 'pipe' })
}

let count = 0

function commit(folder: string, ...files: string[]): void {
  count += 1
  for (const file of files) writeFileSync(join(folder, file), `${count}`)
  git(folder, 'add', '--all')
  git(folder, 'commit', '--quiet', '--message', 'test: a change')
}

function clone(...args: string[]): string {
  const folder = pathOf(`clone-${(count += 1)}`)
  git(origin, 'clone', '--quiet', ...args, `file://${origin}`, folder)
  return folder
}

it('on a branch, what differs from where it began has changed', () => {
  const folder = clone()
  git(folder, 'checkout', '--quiet', '-b', 'branch')
  commit(folder, 'src/core/a.ts')
  commit(folder, 'src/core/policies/c.ts', 'src/node.ts')
  expect(findChanged(folder).files).toEqual(['src/core/a.ts', 'src/core/policies/c.ts'])
})

it('on the main branch, what the last commit changed, or has not committed yet', () => {
  commit(origin, 'src/core/a.ts')
  commit(origin, 'src/core/b.ts')
  const folder = clone()
  expect(findChanged(folder).files).toEqual(['src/core/b.ts'])
  writeFileSync(join(folder, 'src/core/a.ts'), 'edited')
  expect(findChanged(folder).files).toEqual(['src/core/a.ts', 'src/core/b.ts'])
})

it('a module whose tests have changed is judged too, once; one that is gone is not', () => {
  commit(origin, 'src/core/a.ts', 'tests/core/a.test.ts', 'tests/core/policies/c.test.ts')
  expect(findChanged(origin).files).toEqual(['src/core/a.ts', 'src/core/policies/c.ts'])
  rmSync(join(origin, 'src/core/a.ts'))
  git(origin, 'commit', '--quiet', '--all', '--message', 'refactor: less')
  expect(findChanged(origin)).toMatchObject({
    files: [],
    reason: expect.stringContaining('src/core'),
  })
})

it('a checkout without history has nothing to compare with, and says so', () => {
  commit(origin, 'src/core/a.ts')
  const reason = 'there is no earlier commit to compare with'
  expect(findChanged(clone('--depth=1'))).toEqual({ files: [], reason })
  expect(findChanged(pathOf('nothing'))).toEqual({ files: [], reason })
})
