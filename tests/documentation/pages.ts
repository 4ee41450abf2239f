import { execFileSync } from 'node:child_process'
import { readAnchors, readFences } from '../support/markdown.ts'
import { exists, readText, ROOT, sorted } from '../support/project.ts'
import type { Fence } from '../support/markdown.ts'

/** One Markdown file of the repository. */
export interface Page {
  /** Relative to the repository, such as `docs/keys.md`. */
  readonly file: string
  readonly text: string
  readonly fences: readonly PageFence[]
  /** A command writes this page, so its length is not checked. */
  readonly isGenerated: boolean
}

export interface PageFence extends Fence {
  /** The text of the comment on the line before the fence, such as `examples/hono.ts`. */
  readonly comment: string | undefined
}

/** All Markdown files that are in git or could be added. Templates of issues and pull requests are forms, not pages. */
export const PAGES: readonly Page[] = listPages()

function listPages(): Page[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md']
  const files = execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')
  // The copies that the mutation tester works on are not in git.
  const present = files.filter(
    (file) => file !== '' && exists(file) && !file.startsWith('.github/'),
  )
  return sorted(new Set(present)).map((file) => createPage(file, readText(file)))
}

export function pageNamed(file: string): Page {
  return createPage(file, readText(file))
}

function createPage(file: string, text: string): Page {
  const lines = text.split('\n')
  const fences = readFences(text).map((fence) => ({
    ...fence,
    comment: readComment(lines.slice(0, fence.line - 2)),
  }))
  return { file, text, fences, isGenerated: /^<!-- Written by /m.test(text) }
}

/** The comment at the end of the lines before a fence. The formatter puts an empty line between them. */
function readComment(before: readonly string[]): string | undefined {
  return /^<!-- (.*) -->$/.exec(before.join('\n').trimEnd().split('\n').at(-1) ?? '')?.[1]
}

const anchors = new Map<string, readonly string[]>()

export function anchorsOf(file: string): readonly string[] {
  const known = anchors.get(file) ?? readAnchors(readText(file))
  anchors.set(file, known)
  return known
}
