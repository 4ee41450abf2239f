import { readJson } from '../../tests/support/project.ts'
import { pageNamed } from '../../tests/documentation/pages.ts'
import type { Page } from '../../tests/documentation/pages.ts'

/** The pages in the order of the site, by section. */
export const NAVIGATION =
  readJson<Readonly<Record<string, readonly string[]>>>('docs/navigation.json')

/** `llms.txt`, which lists the pages for language models: https://llmstxt.org. */
export function createList(): string {
  const { name, description } = readJson<{ name: string; description: string }>('package.json')
  return `# ${name}\n\n> ${description}\n\n${listSections()}`
}

/** `docs/README.md`, which lists the pages for people. */
export function createIndex(): string {
  const head = '# Documentation\n\n<!-- Written by `npm run docs:generate`. -->\n\n'
  return head + listSections().replaceAll('](docs/', '](')
}

function listSections(): string {
  const sections = Object.entries(NAVIGATION).map(([title, names]) => {
    const pages = names.map((name) => describePage(pageNamed(`docs/${name}.md`)))
    return `## ${title}\n\n${pages.join('\n')}\n`
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
