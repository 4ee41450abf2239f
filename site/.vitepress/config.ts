import { existsSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join, posix } from 'node:path'
import { defineConfig } from 'vitepress'

const SITE = join(import.meta.dirname, '..')
const ROOT = join(SITE, '..')
/** The pages of docs/, and in api/ those that TypeDoc writes. */
const CONTENT = join(SITE, 'content')
const PAGES = join(CONTENT, 'docs')
/** Long lists, which a reader opens when one of them is wanted. */
const COLLAPSED = new Set(['Frameworks', 'Runtimes', 'Contribute'])

// The pages of docs/ must seem to lie in this folder, which has the packages that they are compiled with.
mkdirSync(CONTENT, { recursive: true })
if (!existsSync(PAGES)) symlinkSync(join(ROOT, 'docs'), PAGES, 'junction')

interface Manifest {
  readonly description: string
  readonly exports: Readonly<Record<string, unknown>>
  readonly repository: { readonly url: string }
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const { description, exports, repository } = JSON.parse(read('package.json')) as Manifest
const home = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
const navigation = JSON.parse(read('docs/navigation.json')) as Record<string, string[]>
const names = ['README', ...Object.values(navigation).flat()]
/** The entries: `with-auth/jwt`. TypeDoc calls its page `with-auth.jwt.md`. */
const modules = Object.keys(exports)
  .filter((name) => !name.endsWith('.json'))
  .map((name) => name.replace('.', 'with-auth'))

const HERO = {
  name: 'with-auth',
  text: 'No request without an allow',
  tagline: description,
  actions: [
    { text: 'Getting started', link: '/getting-started' },
    { theme: 'alt', text: 'All pages', link: '#start' },
  ],
}

export default defineConfig({
  title: 'with-auth',
  description,
  base: process.env['SITE_BASE'] ?? '/',
  srcDir: CONTENT,
  outDir: join(SITE, 'dist'),
  cacheDir: join(SITE, 'node_modules/.cache'),
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  vite: {
    resolve: { preserveSymlinks: true },
    // The index of the search, which loads once somebody searches.
    build: { chunkSizeWarningLimit: 1000 },
  },
  rewrites: Object.fromEntries(names.map((name) => [`docs/${name}.md`, `${toRoute(name)}.md`])),
  markdown: {
    languageAlias: { caddy: 'nginx' },
    anchor: { slugify: toAnchor },
    config: ({ core, utils }) => {
      core.ruler.push('site', ({ tokens, env }) => {
        const links = tokens.flatMap(({ children }) => children ?? [])
        for (const link of links.filter(({ type }) => type === 'link_open')) {
          link.attrSet('href', toSite(link.attrGet('href') ?? '', String(env.relativePath)))
        }
        for (const block of tokens.filter(({ info }) => info === 'mermaid')) {
          block.type = 'html_block'
          block.content = `<Diagram text="${utils.escapeHtml(block.content)}" />`
        }
      })
    },
  },
  transformPageData: ({ relativePath, frontmatter }) => {
    if (relativePath === 'index.md') Object.assign(frontmatter, { layout: 'home', hero: HERO })
    if (relativePath.startsWith('api/')) Object.assign(frontmatter, { pageClass: 'reference' })
  },
  themeConfig: {
    search: {
      provider: 'local',
      options: { miniSearch: { searchOptions: { boostDocument: weigh } } },
    },
    outline: [2, 3],
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Options', link: '/configuration' },
      { text: 'API', link: '/api/' },
      { text: 'Changes', link: `${home}/blob/main/CHANGELOG.md` },
      { text: 'Source', link: home },
    ],
    sidebar: [
      ...Object.entries(navigation).map(([text, pages]) => ({
        text,
        collapsed: COLLAPSED.has(text),
        items: pages.map((name) => ({
          text: titleOf(name),
          link: `/${toRoute(name).replace(/index$/, '')}`,
        })),
      })),
      {
        text: 'API',
        link: '/api/',
        collapsed: true,
        items: modules.map((name) => ({ text: name, link: `/api/${name.replace('/', '.')}.html` })),
      },
    ],
  },
})

/**
 * Pages that explain come before the reference, which has a section for each name. Whoever looks for a name finds its section.
 * It runs in the browser, so it uses nothing of this file.
 */
function weigh(place: string, term: string): number {
  return place.includes('/api/') && !place.endsWith(`#${term}`) ? 0.5 : 1
}

/** A folder is shown by its README, as on GitHub. */
function toRoute(name: string): string {
  return name.replace(/(^|\/)README$/, '$1index')
}

/** As on GitHub, so that links to sections work in both places. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
}

function titleOf(name: string): string {
  const [, title = name] = /^# (.*)$/m.exec(read(`docs/${name}.md`)) ?? []
  return title.replaceAll('`', '')
}

/** Files that are no pages are shown by the repository. */
function toSite(href: string, page: string): string {
  if (/^(?:[a-z]+:|#|\/)/.test(href)) return href
  const target = posix.join('docs', posix.dirname(page), href)
  if (!target.startsWith('docs/')) return `${home}/blob/main/${target}`
  return href.replace(/(^|\/)README\.md/, '$1index.md')
}
