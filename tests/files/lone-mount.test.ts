import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { findLoneMount } from '../../src/files/lone-mount.ts'
import { mount } from '../support/mount.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const pathOf = setupFolder()

it('a file in a folder, a link to one and a missing file are not mounted alone', () => {
  writeFileSync(pathOf('file'), '')
  symlinkSync('file', pathOf('link'))
  const found = ['file', 'link', 'missing'].map((name) => findLoneMount(pathOf(name)))
  expect(found).toEqual([undefined, undefined, undefined])
})

it('a file that is mounted alone is found, by a link to it too, and not on Deno', ({ skip }) => {
  for (const name of ['outside', 'inside']) writeFileSync(pathOf(name), '')
  symlinkSync('inside', pathOf('link'))
  if (!mount(pathOf('outside'), pathOf('inside'))) {
    skip('only root may mount, and only Linux mounts a file')
  }
  try {
    expect(findLoneMount(pathOf('inside'))).toBe('it is mounted alone')
    expect(findLoneMount(pathOf('link'))).toBe('it is mounted alone')
    vi.stubGlobal('process', {
      versions: { deno: '2' },
      getBuiltinModule: process.getBuiltinModule.bind(process),
    })
    expect(findLoneMount(pathOf('inside'))).toBeUndefined()
  } finally {
    vi.unstubAllGlobals()
    execFileSync('umount', [pathOf('inside')])
  }
})
