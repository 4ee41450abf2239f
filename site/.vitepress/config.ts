import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join, posix } from 'node:path'
import { defineConfig } from 'vitepress'

const SITE = join(import.meta.dirname, '..')
const ROOT = join(SITE, '..')
const PAGES = join(SITE, 'pages')
/** Long lists, which a reader opens when one of them is wanted. */
const COLLAPSED = new Set(['Frameworks', 'Runtimes', 'Contribute'])

// The pages of docs/ must seem to lie in this folder, which has the packages that they are compiled with.
if (!existsSync(PAGES)) symlinkSync(join(ROOT, 'docs'), PAGES, 'junction')

interface Manifest {
  readonly description: string
  readonly repository: { readonly url: string }
}

const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')
const { description, repository } = JSON.parse(read('package.json')) as Manifest
const home = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')
const navigation = JSON.parse(read('docs/navigation.json')) as Record<string, string[]>
const names = ['README', ...Object.values(navigation).flat()]

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
  srcDir: PAGES,
  outDir: join(SITE, 'dist'),
  cacheDir: join(SITE, 'node_modules/.cache'),
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  vite: { publicDir: join(SITE, 'public'), resolve: { preserveSymlinks: true } },
  rewrites: Object.fromEntries(
    names
      .filter((name) => toRoute(name) !== name)
      .map((name) => [`${name}.md`, `${toRoute(name)}.md`]),
  ),
  markdown: {
    languageAlias: { caddy: 'nginx' },
    anchor: { slugify: toAnchor },
    config: ({ core }) => {
      core.ruler.push('links', ({ tokens, env }) => {
        const links = tokens.flatMap(({ children }) => children ?? [])
        for (const link of links.filter(({ type }) => type === 'link_open')) {
          link.attrSet('href', toSite(link.attrGet('href') ?? '', String(env.relativePath)))
        }
      })
    },
  },
  transformPageData: ({ relativePath, frontmatter }) => {
    if (relativePath !== 'index.md') return
    Object.assign(frontmatter, { layout: 'home', hero: HERO })
  },
  themeConfig: {
    search: { provider: 'local' },
    outline: [2, 3],
    nav: [
      { text: 'Getting started', link: '/getting-started' },
      { text: 'Options', link: '/configuration' },
      { text: 'API', link: '/api/index.html', target: '_self' },
      { text: 'Changes', link: `${home}/blob/main/CHANGELOG.md` },
      { text: 'Source', link: home },
    ],
    sidebar: Object.entries(navigation).map(([text, pages]) => ({
      text,
      collapsed: COLLAPSED.has(text),
      items: pages.map((name) => ({
        text: titleOf(name),
        link: `/${toRoute(name).replace(/index$/, '')}`,
      })),
    })),
  },
})

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
