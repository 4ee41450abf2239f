import { LineCounter } from 'yaml'
import { describe, expect, it } from 'vitest'
import { createFindings, MASKED } from '../../src/yaml/findings.ts'

function create() {
  const lines = new LineCounter()
  lines.addNewLine(0)
  lines.addNewLine(5)
  return createFindings('f', 'a: 1\nb: 2\n', lines)
}

describe('findings', () => {
  it('come in the order of the file, with line and column', () => {
    const findings = create()
    expect(findings.isEmpty()).toBe(true)
    findings.add({ start: 8, end: 9 }, 'b', 'second')
    findings.add({ start: 3, end: 4 }, 'a', 'first', MASKED)
    findings.addWhole('whole')
    expect(findings.all()).toEqual([
      { path: 'f', line: 0, column: 0, key: '', message: 'whole', excerpt: '' },
      { path: 'f', line: 1, column: 4, key: 'a', message: 'first', excerpt: '    *: *\n       ^' },
      { path: 'f', line: 2, column: 4, key: 'b', message: 'second', excerpt: '    *: 2\n       ^' },
    ])
  })

  it('begin with what is wrong with the whole file', () => {
    const findings = create()
    findings.add({ start: 0, end: 1 }, 'a', 'first')
    findings.addWhole('whole')
    expect(findings.all().map(({ message }) => message)).toEqual(['whole', 'first'])
  })

  it('show the ranges that they were told to', () => {
    const findings = create()
    findings.show({ start: 0, end: 1 })
    findings.add({ start: 3, end: 4 }, 'a', 'x', MASKED)
    expect(findings.all()[0]?.excerpt).toBe('    a: *\n       ^')
  })

  it('know what is wrong with a key or below it', () => {
    const findings = create()
    findings.add({ start: 0, end: 1 }, 'a.b[0].c', 'x')
    expect(['a', 'a.b', 'a.b[0]', 'a.b[0].c'].filter(findings.has)).toHaveLength(4)
    expect(['a.b[0].c.d', 'a.bb', 'b', 'a.b[0]c'].filter(findings.has)).toEqual([])
  })

  it('end at a hundred', () => {
    const findings = create()
    for (let i = 0; i < 100; i++) findings.add({ start: 0, end: 1 }, '', 'x')
    expect(findings.hasMore()).toBe(false)
    findings.addWhole('y')
    findings.add({ start: 0, end: 1 }, '', 'z')
    expect(findings.hasMore()).toBe(true)
    expect(findings.all().map(({ message }) => message)).toEqual(Array(100).fill('x'))
  })
})
