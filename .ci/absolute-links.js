// Makes the relative links of README.md and CHANGELOG.md absolute: the package holds these two and not what they link to.
// Run it at release, in a checkout that is thrown away. The links lead to the tag of the version, in `repository`.
import { readFileSync, writeFileSync } from 'node:fs'
import { posix } from 'node:path'

const { repository, version } = JSON.parse(readFileSync('package.json', 'utf8'))
const home = repository.url.replace(/^git\+/, '').replace(/\.git$/, '')

const RELATIVE = String.raw`(?!#|[a-z][a-z+.-]*:)`
const LINK = new RegExp(String.raw`(?<=\]\()${RELATIVE}[^)\s]+`, 'g')
const IMAGE = new RegExp(String.raw`(?<=!\[[^\]]*\]\()${RELATIVE}[^)\s]+`, 'g')
const PAGE_ATTRIBUTE = new RegExp(`(?<= href=")${RELATIVE}[^"]+`, 'g')
const IMAGE_ATTRIBUTE = new RegExp(`(?<= (?:src|srcset)=")${RELATIVE}[^"]+`, 'g')

const page = (path) => `${home}/blob/v${version}/${posix.normalize(path)}`
const image = (path) => `${home}/raw/v${version}/${posix.normalize(path)}`

for (const file of ['README.md', 'CHANGELOG.md']) {
  // Every second part is a block of code.
  const parts = readFileSync(file, 'utf8').split(/^(```.*?^```)/ms)
  const absolute = parts.map((part, index) => {
    if (index % 2 === 1) return part
    return part
      .replace(IMAGE, image)
      .replace(LINK, page)
      .replace(IMAGE_ATTRIBUTE, image)
      .replace(PAGE_ATTRIBUTE, page)
  })
  writeFileSync(file, absolute.join(''))
}
