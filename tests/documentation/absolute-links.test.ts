import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import { readLinks } from '../support/markdown.ts'
import { readText, ROOT } from '../support/project.ts'
import { setupFolder } from '../support/temporary-folder.ts'

/** The release packs README.md and CHANGELOG.md with absolute links: `.ci/absolute-links.js`. */

const pathOf = setupFolder()
const HOME = 'https://github.com/OWNER/with-auth'

function release(readme: string, changelog = ''): (file: string) => string {
  writeFileSync(pathOf('README.md'), readme)
  writeFileSync(pathOf('CHANGELOG.md'), changelog)
  const repository = { type: 'git', url: `git+${HOME}.git` }
  writeFileSync(pathOf('package.json'), JSON.stringify({ repository, version: '1.2.3' }))
  const script = join(ROOT, '.ci/absolute-links.js')
  execFileSync(process.execPath, [script], { cwd: dirname(pathOf('package.json')) })
  return (file) => readFileSync(pathOf(file), 'utf8')
}

/** A text, and what becomes of it. */
const LINKS: readonly (readonly [text: string, released: string])[] = [
  ['[a](docs/keys.md#rotate-a-key)', `[a](${HOME}/blob/v1.2.3/docs/keys.md#rotate-a-key)`],
  ['[a](./examples/)', `[a](${HOME}/blob/v1.2.3/examples/)`],
  [
    '[a](LICENSE) [b](LICENSE)',
    `[a](${HOME}/blob/v1.2.3/LICENSE) [b](${HOME}/blob/v1.2.3/LICENSE)`,
  ],
  ['![a](docs/a.svg)', `![a](${HOME}/raw/v1.2.3/docs/a.svg)`],
  [
    '[![a](docs/a.svg)](docs/a.md)',
    `[![a](${HOME}/raw/v1.2.3/docs/a.svg)](${HOME}/blob/v1.2.3/docs/a.md)`,
  ],
  ['<img alt="a" src="docs/a.svg">', `<img alt="a" src="${HOME}/raw/v1.2.3/docs/a.svg">`],
  ['<a href="docs/a.md">a</a>', `<a href="${HOME}/blob/v1.2.3/docs/a.md">a</a>`],
  ...[
    '[a](https://example.com/a)',
    '[a](#a)',
    '[a](mailto:a@example.com)',
    '```md\n[a](b.md)\n```',
  ].map((text) => [text, text] as const),
]

it('makes relative links absolute, and leaves the others', () => {
  const [before, after] = [0, 1].map((index) => LINKS.map((row) => `${row[index]}\n`).join('\n'))
  expect(release(`# A\n\n${before}`)('README.md')).toBe(`# A\n\n${after}`)
})

it('leaves no relative link in the two files of the package', () => {
  const packed = release(readText('README.md'), readText('CHANGELOG.md'))
  const links = ['README.md', 'CHANGELOG.md'].flatMap((file) => readLinks(packed(file)))
  expect(links.filter((target) => !/^(?:https:\/\/|#)/.test(target))).toEqual([])
  const before = [...readLinks(readText('README.md')), ...readLinks(readText('CHANGELOG.md'))]
  expect(links).toHaveLength(before.length)
})
