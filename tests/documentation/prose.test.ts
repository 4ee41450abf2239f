import { expect, it } from 'vitest'
import { PAGES } from './pages.ts'
import type { Page } from './pages.ts'

/** Each sentence has one home: a page that needs it links there. */

const MOST_SHARED = 2
const FEWEST_WORDS = 6

/** The pairs of pages that share too many sentences. */
function findRepeated(pages: readonly Page[]): string[] {
  const prose = pages.map((page) => ({ file: page.file, sentences: readSentences(page) }))
  return prose.flatMap((one, index) =>
    prose.slice(index + 1).flatMap((other) => {
      const shared = [...one.sentences].filter((sentence) => other.sentences.has(sentence))
      if (shared.length <= MOST_SHARED) return []
      return [`${one.file} and ${other.file}: ${shared.join(' ')}`]
    }),
  )
}

/** The sentences of a page, without its titles, its code and what a command writes. Where a line breaks makes no difference. */
function readSentences({ text, isGenerated }: Page): ReadonlySet<string> {
  if (isGenerated) return new Set()
  const prose = text
    .replace(/<!-- [\w ]+: begin -->.*?<!-- [\w ]+: end -->/gs, '')
    .replace(/^```.*?^```/gms, '\n')
    .replace(/^#.*$/gm, '\n')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const blocks = prose.split(/\n\s*\n|\n(?=\s*[-|])|\|/)
  const sentences = blocks.flatMap((block) => block.replace(/\s+/g, ' ').split(/(?<=[.:?!]) /))
  return new Set(
    sentences
      .map((sentence) => sentence.replace(/^[\s*-]+|[\s*-]+$/g, '').toLowerCase())
      .filter((sentence) => sentence.split(' ').length >= FEWEST_WORDS),
  )
}

it('no two pages of docs share three sentences', () => {
  expect(findRepeated(PAGES.filter(({ file }) => file.startsWith('docs/')))).toEqual([])
})
