import { Composer, Document, Parser } from 'yaml'
import type { CST, LineCounter } from 'yaml'

/** A text that was parsed as YAML. Its documents list their errors and warnings. */
interface YamlText {
  readonly document: Document
  /** The document behind the first one, if there is one. */
  readonly second: Document.Parsed | undefined
}

// Real files have some ten levels.
const MAX_LEVELS = 64
const TOO_DEEP = `The file is nested too deeply: more than ${MAX_LEVELS} levels`
const NO_PARSER =
  'The YAML parser failed: permit what it asks for (on Deno, --allow-env=LOG_STREAM,LOG_TOKENS)'

const OPTIONS = {
  version: '1.2',
  // Also where a directive in the file says otherwise.
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  // The parser compares each key with each other, in quadratic time. Callers look for repeated keys in one pass.
  uniqueKeys: false,
} as const

/**
 * Parses a text as YAML 1.2 of the core schema. Returns a sentence for a text that it must not or cannot parse.
 *
 * @param lines Gets the offsets of the lines.
 */
export function parseYaml(
  text: string,
  lines: LineCounter,
  options: { readonly stringKeys?: boolean } = {},
): YamlText | string {
  try {
    const tokens = [...new Parser(lines.addNewLine).parse(text)]
    // The composer is recursive. On a full stack even a regular expression can end the process.
    if (isTooDeep(tokens)) return TOO_DEEP
    const composer = new Composer({ ...OPTIONS, ...options })
    const [document = new Document(), second] = composer.compose(tokens, true, text.length)
    return { document, second }
  } catch {
    // The parser reads two environment variables of its own, which Deno may deny.
    return NO_PARSER
  }
}

function isTooDeep(tokens: readonly CST.Token[]): boolean {
  let level = tokens.flatMap(partsOf)
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_LEVELS) return true
    level = level.flatMap(partsOf)
  }
  return false
}

function partsOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value]
  if (!('items' in token)) return []
  return token.items.flatMap(({ key, value }) => [key ?? [], value ?? []].flat())
}
