import { renderTable } from '../support/markdown.ts'
import { REPLAYS } from './replays.ts'
import { SERVERS } from './versions.ts'

const SECTION = /(?<=<!-- recorded: begin -->\n\n).*?(?=\n\n<!-- recorded: end -->)/s
const HEAD = ['with-auth decides differently, on purpose', 'what was recorded']

/** The page with the servers that were recorded, and each difference with its reason. */
export function withDifferences(page: string): string {
  if (!SECTION.test(page)) throw new Error('The page has no place for the recorded servers')
  const servers = Object.values(SERVERS).map((server) => `- ${server}`)
  return page.replace(SECTION, () => [servers.join('\n'), table()].join('\n\n'))
}

function table(): string {
  const recorded = new Map<string, string[]>()
  for (const { name, decided } of REPLAYS) {
    for (const { reason } of decided) recorded.set(reason, [...(recorded.get(reason) ?? []), name])
  }
  const rows = [...recorded].map(([reason, names]) => [reason, names.join(', ')])
  return renderTable([HEAD, ...rows])
}
