import { expect, it } from 'vitest'
import { PAGES } from './pages.ts'
import type { Page } from './pages.ts'

/** Each sentence has one home: a page that needs it links there. */

const MOST_SHARED = 2
const FEWEST_WORDS = 6
// The characters of three lines.
const PASSAGE = 300

/** The pairs of pages that share too much of what this function reads. */
function findRepeated(
  pages: readonly Page[],
  read: (page: Page) => ReadonlySet<string>,
  most: number,
): string[] {
  const prose = pages.map((page) => ({ file: page.file, parts: read(page) }))
  return prose.flatMap((one, index) =>
    prose.slice(index + 1).flatMap((other) => {
      const shared = [...one.parts].filter((part) => other.parts.has(part))
      if (shared.length <= most) return []
      return [`${one.file} and ${other.file}: ${shared.slice(0, most + 1).join(' ')}`]
    }),
  )
}

/** A page without its titles, its code and what a command writes. */
function readProse({ text, isGenerated }: Page): string {
  if (isGenerated) return ''
  return text
    .replace(/<!-- [\w ]+: begin -->.*?<!-- [\w ]+: end -->/gs, '')
    .replace(/^```.*?^```/gms, '\n')
    .replace(/^#.*$/gm, '\n')
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
}

/** The sentences of a page. Where a line breaks makes no difference. */
function readSentences(page: Page): ReadonlySet<string> {
  const blocks = readProse(page).split(/\n\s*\n|\n(?=\s*[-|])|\|/)
  const sentences = blocks.flatMap((block) => block.replace(/\s+/g, ' ').split(/(?<=[.:?!]) /))
  return new Set(
    sentences
      .map((sentence) => sentence.replace(/^[\s*-]+|[\s*-]+$/g, '').toLowerCase())
      .filter((sentence) => sentence.split(' ').length >= FEWEST_WORDS),
  )
}

/** From each word of a page on, the words that fill three lines. Where sentences and lines begin makes no difference. */
function readPassages(page: Page): ReadonlySet<string> {
  const words =
    readProse(page)
      .toLowerCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  const text = `${words.join(' ')} `
  const starts = [...text.matchAll(/\S+/g)].map(({ index }) => index)
  return new Set(
    starts
      .filter((start) => start + PASSAGE < text.length)
      .map((start) => text.slice(start, text.indexOf(' ', start + PASSAGE))),
  )
}

const DOCS = PAGES.filter(({ file }) => file.startsWith('docs/'))

it('no two pages of docs share three sentences', () => {
  expect(findRepeated(DOCS, readSentences, MOST_SHARED)).toEqual([])
})

it('no two pages of docs share three lines of prose', () => {
  expect(findRepeated(DOCS, readPassages, 0)).toEqual([])
})
