import { reportKeys } from '../../keys.ts'
import { noSuchKey } from '../../keys/error.ts'
import { repositoryOf } from '../../keys/edits/place.ts'
import { reportOf } from '../../keys/usage/report.ts'
import {
  pickTexts,
  readKey,
  readWholeNumber,
  rejectOperands,
  requireOperand,
} from '../command-line.ts'
import { UsageError } from '../errors.ts'
import { describeJudgment, judgeKeyIn, judgmentToJson } from '../key-judgment.ts'
import { KEYS_OPTION, requireKeys, withKeys } from '../key-place.ts'
import { describeKeys, describeAttention, describeLastUse } from '../key-table.ts'
import { escapeHidden, shown } from '../shown-value.ts'
import { EXIT } from '../surroundings.ts'
import { LIST_ADVICE } from './keys.ts'
import type { KeyChecks, KeyReport, KeyReports } from '../../keys.ts'
import type { KeyRepository } from '../../keys/repository.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100
const LONGEST_NAME = 'begins with'.length

const listCommand: Command = {
  name: 'keys list',
  usage: '--keys FILE [OPTIONS]',
  summary: 'list the keys, their last use, and what needs attention, without secrets',
  details:
    'A key needs attention if it expires within 14 days, was never used, or not for 90 days. Its last use is the last check that it passed. A request that a cache answers is not counted. --json has all that is known of each key, without secrets.\n\nA key file is listed in its order. A database is listed in pages, in the order of the ids. So is a key file with --after or --limit.',
  examples: [
    'with-auth keys list --keys keys.yaml',
    'with-auth keys list --keys keys.yaml --principal alice',
  ],
  options: {
    ...KEYS_OPTION,
    after: { value: 'ID', help: 'start behind the key with this id' },
    limit: { value: 'COUNT', help: 'list at most so many keys: 1 to 1000 [100 in a database]' },
    principal: { value: 'NAME', help: 'list only the keys of this owner' },
  },
  run: list,
}

const checkCommand: Command = {
  name: 'keys check',
  usage: '- --keys FILE',
  summary: 'say whether a key is valid, and if not why',
  details:
    'The command reads the key from standard input, and never prints it. It exits with 0 for a valid key, and with 1 for any other.',
  examples: ['with-auth keys check - --keys keys.yaml < key.txt'],
  options: KEYS_OPTION,
  run: check,
}

const showCommand: Command = {
  name: 'keys show',
  usage: 'ID --keys FILE',
  summary: 'show what is stored about a key and how it is used, without secrets',
  examples: ['with-auth keys show key_zyk3qgvxqtla --keys keys.yaml'],
  options: KEYS_OPTION,
  run: show,
}

export const lookupCommands: readonly Command[] = [listCommand, showCommand, checkCommand]

async function list(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const limit = readWholeNumber(line, 'limit', 1, MAX_LIMIT)
  const page = {
    ...pickTexts(line, { after: 'after', principal: 'principal' }),
    ...(limit === undefined ? {} : { limit }),
  }
  return withKeys(line, surroundings, async ({ place, use }) => {
    const reports = await use(() => reportKeys(place, page))
    const { keys } = reports
    const text = line.has('json') ? `${JSON.stringify(keys)}\n` : describeKeys(keys, Date.now())
    surroundings.print(text)
    noteUnknownUse(reports, surroundings)
    const isFull = keys.length === (typeof place === 'string' ? limit : (limit ?? DEFAULT_LIMIT))
    if (isFull) surroundings.note(`with-auth: for more keys add --after ${keys.at(-1)?.id}\n`)
    return EXIT.ok
  })
}

async function show(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const id = requireOperand(line, 'ID')
  return withKeys(line, surroundings, async ({ use }) => {
    const reports = await use(async (place) => getReport(repositoryOf(place), id), {
      no_such_key: LIST_ADVICE,
    })
    for (const report of reports.keys) {
      const isJson = line.has('json')
      const text = isJson ? `${JSON.stringify(report)}\n` : describeReport(report, Date.now())
      surroundings.print(text)
    }
    noteUnknownUse(reports, surroundings)
    return EXIT.ok
  })
}

async function getReport(repository: KeyRepository, id: string): Promise<KeyReports> {
  const key = await repository.read().get(id)
  if (key === undefined) throw noSuchKey(repository.name, 'id')
  return reportOf(repository, [key])
}

function describeReport(report: KeyReport, now: number): string {
  const { attributes, prefix, lastUsed, checks, attention, ...record } = report
  const lists = Object.entries(attributes).map(([name, values]) => `${name}=${values.join(',')}`)
  const facts: Readonly<Record<string, string | readonly string[]>> = {
    ...Object.fromEntries(
      Object.entries(record).map(([name, value]) => [name, [value].flat().map(String)]),
    ),
    ...(lists.length === 0 ? {} : { attributes: lists }),
    ...(prefix === undefined ? {} : { 'begins with': prefix }),
    'last used': lastUsed ?? describeLastUse(report, now),
    ...(checks && { checks: describeChecks(checks) }),
    ...(attention.length === 0 ? {} : { attention: describeAttention(report, now).join(', ') }),
  }
  const lines = Object.entries(facts).map(([name, value]) => {
    const text = [value].flat().map((one) => (name === 'name' ? escapeHidden(one) : shown(one)))
    return `${name.padEnd(LONGEST_NAME)}  ${text.join(' ')}\n`
  })
  return lines.join('')
}

function describeChecks({ today, last7Days, last30Days }: KeyChecks): string {
  return `${today} today, ${last7Days} in 7 days, ${last30Days} in 30 days (UTC; a request that a cache answers is not counted)`
}

function noteUnknownUse({ useError }: KeyReports, { note }: Surroundings): void {
  if (useError) note(`with-auth: the use of the keys is unknown: ${useError.message}\n`)
}

const STDIN_ONLY =
  'Give the key on standard input, because other users of the machine can read the command line: with-auth keys check - --keys FILE < key.txt'

async function check(line: CommandLine, surroundings: Surroundings): Promise<number> {
  if (line.operands.length !== 1 || line.operands[0] !== '-') throw new UsageError(STDIN_ONLY)
  return withKeys(line, surroundings, async (keys) => {
    await requireKeys(keys)
    const key = readKey(await surroundings.readInput(), 'standard input')
    const judgment = await keys.use((place) => judgeKeyIn(place, key))
    const text = line.has('json')
      ? JSON.stringify(judgmentToJson(judgment))
      : describeJudgment(judgment)
    surroundings.print(`${text}\n`)
    return judgment.detail === undefined ? EXIT.ok : EXIT.failed
  })
}
