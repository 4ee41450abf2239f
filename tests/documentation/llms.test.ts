import { expect, it } from 'vitest'
import { readJson, sorted } from '../support/project.ts'
import { pageNamed, PAGES } from './pages.ts'
import type { Page } from './pages.ts'

/** `llms.txt` lists the pages for language models: https://llmstxt.org. `docs/README.md` lists them for people. Both are in the order of the site. */

const NAVIGATION = readJson<Readonly<Record<string, readonly string[]>>>('docs/navigation.json')

it('llms.txt is what `npm run docs:generate` writes', async () => {
  await expect(createList()).toMatchFileSnapshot('../../llms.txt')
})

it('docs/README.md is what `npm run docs:generate` writes', async () => {
  await expect(createIndex()).toMatchFileSnapshot('../../docs/README.md')
})

it('each page of docs is in one section', () => {
  const listed = Object.values(NAVIGATION).flatMap((names) => names.map(fileOf))
  const pages = PAGES.map(({ file }) => file).filter((file) => file.startsWith('docs/'))
  // Without the list itself.
  expect(sorted(listed)).toEqual(sorted(pages.filter((file) => file !== 'docs/README.md')))
})

it('readers have at most 50 pages beside their list, and 6 more about servers', () => {
  const pages = PAGES.map(({ file }) => file).filter((file) => file.startsWith('docs/'))
  const servers = pages.filter((file) => file.startsWith('docs/servers/'))
  const others = pages.filter((file) => !/^docs\/(?:README|servers\/|contributing\/)/.test(file))
  expect(servers.length).toBeLessThanOrEqual(6)
  expect(others.length).toBeLessThanOrEqual(50)
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
  const sections = Object.entries(NAVIGATION).map(([title, names]) => {
    const pages = names.map((name) => describePage(pageNamed(fileOf(name))))
    return `## ${title}\n\n${pages.join('\n')}\n`
  })
  return sections.join('\n')
}

function fileOf(name: string): string {
  return `docs/${name}.md`
}

function describePage({ file, text }: Page): string {
  const [heading = '', ...paragraphs] = text.split(/\n{2,}/)
  const prose = paragraphs.find((paragraph) => !paragraph.startsWith('<!--')) ?? ''
  const plain = prose.replace(/\s+/g, ' ').replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const [sentence = ''] = /^.*?[.:](?= |$)/.exec(plain) ?? []
  return `- [${heading.replace('# ', '')}](${file}): ${sentence.replace(/:$/, '.')}`
}
