/** @module-tag slow */

import { join } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { createSourceProgram } from '../../scripts/docs/source-program.ts'
import { readFences } from '../support/markdown.ts'
import { listFiles, readJson, readText, ROOT, sorted } from '../support/project.ts'
import { findTypeErrors, isPlace } from './type-check.ts'
import type { Fence } from '../support/markdown.ts'

/** `npm run docs:api` builds the reference from the comments of the exported names. */

const { entryPoints } = readJson<{ entryPoints: string[] }>('typedoc.json')

function exportsOf(program: ts.Program, file: string): ts.Symbol[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(join(ROOT, file))
  const module = source && checker.getSymbolAtLocation(source)
  return (module === undefined ? [] : checker.getExportsOfModule(module)).map((symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  )
}

it('the reference has each entry of the package', () => {
  const { exports } = readJson<{ exports: Record<string, unknown> }>('package.json')
  const entries = Object.values(exports).flatMap((entry) =>
    typeof entry === 'object' && entry !== null && 'types' in entry ? String(entry.types) : [],
  )
  const sources = entries.map((file) => file.replace('./dist', 'src').replace('.d.ts', '.ts'))
  expect(sorted(entryPoints)).toEqual(sorted(sources))
})

it('each exported name has a comment, and each function and class an example', () => {
  const program = createSourceProgram(
    entryPoints.map((file) => join(ROOT, file)),
    ['lib.es2022.d.ts'],
  )
  const checker = program.getTypeChecker()
  const names = entryPoints.flatMap((file) =>
    exportsOf(program, file).map((symbol) => ({ file, symbol })),
  )
  const bare = names.filter(({ symbol }) => symbol.getDocumentationComment(checker).length === 0)
  expect(bare.map(({ file, symbol }) => `${file}: ${symbol.name}`)).toEqual([])

  const callable = names.filter(
    ({ symbol }) => symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class),
  )
  expect(callable.length).toBeGreaterThan(15)
  const without = callable.filter(
    ({ symbol }) => !symbol.getJsDocTags(checker).some(({ name }) => name === 'example'),
  )
  expect(without.map(({ file, symbol }) => `${file}: ${symbol.name}`)).toEqual([])
})

describe('an example in the source', () => {
  const texts = listFiles(join(ROOT, 'src')).map((file) => [file, readText(`src/${file}`)] as const)
  const examples = texts.flatMap(([file, text]) =>
    readExamples(text).map((block, index) => [`src/${file}, ${index + 1}. block`, block] as const),
  )

  it.each(examples)('compiles: %s', (_, block) => {
    expect(block.language).toBe('ts')
    if (!isPlace(block.place)) throw new Error(`Unknown runtime: ${block.place}`)
    expect(findTypeErrors(block.code, block.place)).toEqual([])
  })

  it('does not compile with a misspelled option', () => {
    const code =
      "import { withAuth } from 'with-auth'\nwithAuth(() => new Response(), { endpiont: '' })"
    expect(findTypeErrors(code, '').join()).toContain("'endpiont' does not exist")
  })

  it('stands under each @example tag', () => {
    const tags = texts.flatMap(([, text]) => text.match(/^\s*\* @example\b/gm) ?? [])
    expect(examples.length).toBe(tags.length)
  })
})

/** The blocks of code in the comments of a module. */
function readExamples(source: string): Fence[] {
  const comments = [...source.matchAll(/\/\*\*.*?\*\//gs)].map(([comment]) => comment)
  return comments.flatMap((comment) => readFences(comment.replace(/^\s*\* ?/gm, '')))
}
