import { describe, expect, it } from 'vitest'
import { exists, listFiles, ROOT } from '../support/project.ts'
import { findFiles, findParts, inGroups, partOf, testsOf } from './parts.js'

const PARTS = findParts(ROOT)

describe('the parts of src', () => {
  it('hold all of its modules', () => {
    const modules = listFiles(`${ROOT}src`).map((file) => `src/${file}`)
    const found = PARTS.flatMap((part) => findFiles(ROOT, part))
    expect(new Set([...found, 'src/index.ts'])).toEqual(new Set(modules))
    expect(found.length).toBe(modules.length - 1)
  })

  it('are named by their files', () => {
    const named = PARTS.map((part) => new Set(findFiles(ROOT, part).map(partOf)))
    expect(named).toEqual(PARTS.map((part) => new Set([part])))
  })

  it.each(PARTS)('have tests that judge them: %s', (part) => {
    const { include, exclude } = testsOf(part)
    const files = [...include, ...exclude].filter((pattern) => !pattern.includes('*'))
    expect(files.filter((file) => file !== `tests/${part}.test.ts` && !exists(file))).toEqual([])
    const tests = listFiles(`${ROOT}tests`).map((file) => `tests/${file}`)
    expect(tests.some((file) => file.startsWith(`tests/${part}/`) || include.includes(file))).toBe(
      true,
    )
  })
})

it('files are mutated a few at a time, each once', () => {
  const files = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']
  const groups = inGroups(files)
  expect(groups.flat()).toEqual(files)
  expect(Math.max(...groups.map((group) => group.length))).toBe(4)
  expect(inGroups([])).toEqual([])
})
