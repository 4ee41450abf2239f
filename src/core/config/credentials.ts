import { parseOptions } from './interpreter.ts'
import { HTTP_TOKEN, invalidOption } from './option-checks.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { FormOf, Table } from './form.ts'
import type { Given } from './interpreter.ts'
import type { OptionPath, Problems } from './problems.ts'

interface Names {
  readonly header: string | undefined
  readonly cookie: string | undefined
  readonly webSocketProtocol: string | undefined
}

const EXPECTED = '"bearer", or an object with one of `header`, `cookie`, `webSocketProtocol`'

const NAME: FormOf<string | undefined> = {
  kind: 'text',
  pattern: HTTP_TOKEN,
  expected: 'a name without blanks and separators',
}

const NAMES: Table<Names> = {
  header: { ...NAME, isName: true },
  cookie: NAME,
  webSocketProtocol: NAME,
}

/** One source, or a list of different sources. */
export const CREDENTIALS: FormOf<readonly CredentialsSource[]> = {
  kind: 'list',
  default: 'bearer',
  canBeOne: true,
  expected: 'a list of at least one source',
  distinct: 'a list that names each source once',
  items: { kind: 'code', is: 'source', isText: true, fields: NAMES, read: parseSource },
}

function parseSource(value: unknown, path: OptionPath): CredentialsSource {
  if (value === 'bearer') return value
  const rejectOthers = (
    { header = '' }: Partial<Names>,
    given: Given<Names>,
    problems: Problems,
  ): void => {
    if (Object.keys(given).length !== 1) problems.add(invalidOption(path, value, EXPECTED))
    // `credentials` has a source of its own for each.
    if (/^(?:authorization|cookie|sec-websocket-protocol)$/.test(header)) {
      const expected = 'another header: `credentials` has a source of its own for this one'
      problems.add(invalidOption([...path, 'header'], given.header, expected))
    }
  }
  const source = parseOptions(NAMES, value, path, rejectOthers, EXPECTED)
  // It has exactly one of them.
  return source as CredentialsSource
}
