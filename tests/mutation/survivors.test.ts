import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import equivalents from './equivalents.json' with { type: 'json' }
import { findOutdated, findUnexplained, scoreOf, survivorsOf } from './survivors.js'
import type { Equivalent } from './survivors.js'

const SOURCE = 'function isOpen() {\n  return a > b\n}\n'

function mutant(status: string, replacement: string) {
  const location = { start: { line: 2, column: 10 }, end: { line: 2, column: 15 } }
  return { status, replacement, location }
}

const REPORT = {
  files: {
    'src/core/door.ts': {
      source: SOURCE,
      mutants: [
        mutant('Killed', 'true'),
        mutant('Timeout', 'false'),
        mutant('Survived', 'a >= b'),
        mutant('NoCoverage', 'a <= b'),
        mutant('Ignored', 'b'),
        mutant('RuntimeError', 'c'),
      ],
    },
    'src/yaml.ts': { source: SOURCE, mutants: [mutant('Survived', 'true')] },
  },
}

const KNOWN: Equivalent = {
  file: 'src/core/door.ts',
  code: 'return a > b',
  becomes: ['return a >= b'],
  why: 'They are never the same.',
}

describe('the score', () => {
  it('counts what was noticed among what could have been', () => {
    expect(scoreOf(REPORT, 'src/core/')).toEqual({
      killed: 2,
      valid: 4,
      unjudged: 1,
      percent: 50,
    })
    expect(scoreOf(REPORT, 'src/')).toMatchObject({ killed: 2, valid: 5, percent: 40 })
    expect(scoreOf(REPORT, 'src/node/')).toMatchObject({ killed: 0, percent: 100 })
  })
})

describe('a survivor', () => {
  it('is a line and what becomes of it', () => {
    expect(survivorsOf(REPORT, 'src/core/')).toEqual([
      { file: 'src/core/door.ts', code: 'return a > b', becomes: 'return a >= b' },
      { file: 'src/core/door.ts', code: 'return a > b', becomes: 'return a <= b' },
    ])
  })

  it('is unexplained unless it is listed, line by line', () => {
    const survivors = survivorsOf(REPORT, 'src/core/')
    expect(findUnexplained(survivors, []).length).toBe(2)
    expect(findUnexplained(survivors, [KNOWN])).toEqual([
      { file: 'src/core/door.ts', code: 'return a > b', becomes: 'return a <= b' },
    ])
    expect(findUnexplained(survivors, [{ ...KNOWN, file: 'src/core/wall.ts' }]).length).toBe(2)
    expect(findUnexplained(survivors, [{ ...KNOWN, code: 'return a' }]).length).toBe(2)
  })

  it('that is listed must survive where its file was mutated', () => {
    const survivors = survivorsOf(REPORT, 'src/core/')
    const killed = { ...KNOWN, becomes: ['return true', 'return a >= b'] }
    expect(findOutdated([killed], survivors, ['src/core/door.ts'])).toEqual([
      { file: 'src/core/door.ts', code: 'return a > b', becomes: 'return true' },
    ])
    expect(findOutdated([killed], survivors, ['src/core/wall.ts'])).toEqual([])
  })
})

describe('equivalents.json', () => {
  const ROOT = join(import.meta.dirname, '../..')

  it.each(equivalents)('names a line that is in $file: $code', ({ file, code, why }) => {
    expect(existsSync(join(ROOT, file))).toBe(true)
    const source = readFileSync(join(ROOT, file), 'utf8').replaceAll(/\s+/g, ' ')
    expect(source).toContain(code)
    expect(why).toMatch(/^[A-Z].*\.$/)
  })
})
