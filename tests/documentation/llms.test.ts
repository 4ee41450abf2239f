import { expect, it } from 'vitest'
import { readJson } from '../support/project.ts'
import { createPage, PAGES } from './pages.ts'
import type { Page } from './pages.ts'

/** `llms.txt` lists the pages for language models: https://llmstxt.org. `docs/README.md` lists them for people. */

const SECTIONS: Readonly<Record<string, RegExp>> = {
  Guides: /^docs\/[^/]+$/,
  Runtimes: /^docs\/runtimes\//,
  Frameworks: /^docs\/frameworks\//,
  Servers: /^docs\/servers\//,
  Security: /^docs\/security\//,
}

/** Without the list itself. */
const LISTED = PAGES.filter(({ file }) => file !== 'docs/README.md')

it('llms.txt is what `npm run docs:generate` writes', async () => {
  await expect(createList()).toMatchFileSnapshot('../../llms.txt')
})

it('docs/README.md is what `npm run docs:generate` writes', async () => {
  await expect(createIndex()).toMatchFileSnapshot('../../docs/README.md')
})

it('each page of docs is in one section', () => {
  const patterns = Object.values(SECTIONS)
  const pages = LISTED.filter(({ file }) => file.startsWith('docs/'))
  const others = pages.filter(({ file }) => patterns.filter((one) => one.test(file)).length !== 1)
  expect(others.map(({ file }) => file)).toEqual([])
})

it.each([
  ['# A\n\nFirst `a.b`. Second.\n', 'First `a.b`.'],
  ['# A\n\n<!-- Written by x. -->\n\nOne [link](b.md)\nover lines.\n', 'One link over lines.'],
  ['# A\n\nLinks:\n\n- one\n', 'Links.'],
])('a page is described by its first sentence: %j', (text, sentence) => {
  expect(describePage(createPage('docs/a.md', text))).toBe(`- [A](docs/a.md): ${sentence}`)
})

function createList(): string {
  const { name, description } = readJson<{ name: string; description: string }>('package.json')
  return `# ${name}\n\n> ${description}\n\n${listSections()}`
}

function createIndex(): string {
  const head = '# Documentation\n\n<!-- Written by `npm run docs:generate`. -->\n\n'
  return head + listSections().replaceAll('](docs/', '](')
}

function listSections(): string {
  const sections = Object.entries(SECTIONS).map(([title, pattern]) => {
    const pages = LISTED.filter(({ file }) => pattern.test(file))
    return `## ${title}\n\n${pages.map(describePage).join('\n')}\n`
  })
  return sections.join('\n')
}

function describePage({ file, text }: Page): string {
  const [heading = '', ...paragraphs] = text.split(/\n{2,}/)
  const prose = paragraphs.find((paragraph) => !paragraph.startsWith('<!--')) ?? ''
  const plain = prose.replace(/\s+/g, ' ').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const [sentence = ''] = /^.*?[.:](?= |$)/.exec(plain) ?? []
  return `- [${heading.replace('# ', '')}](${file}): ${sentence.replace(/:$/, '.')}`
}
