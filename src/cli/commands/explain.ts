import { decideOnce } from '../explain/decide.ts'
import { explain } from '../explain/explanation.ts'
import {
  QUESTION_OPTIONS,
  readIdentity,
  readPaths,
  readQuestion,
  readToken,
} from '../explain/question.ts'
import { describeExplanation, describeTable } from '../explain/report.ts'
import { hideSecrets } from '../explain/shown-fact.ts'
import { readSubject } from '../explain/subject.ts'
import { rejectOperands } from '../command-line.ts'
import { GUARD_OPTIONS } from '../gateway/guard-config.ts'
import { escapeHidden } from '../shown-value.ts'
import { EXIT } from '../surroundings.ts'
import type { Explanation } from '../explain/explanation.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const CODES = { allowed: EXIT.ok, rejected: EXIT.failed, no_decision: EXIT.undecided } as const

export const explainCommand: Command = {
  name: 'explain',
  usage: '--config FILE --path PATH [OPTIONS]',
  summary: 'say what happens to a request with a token, and why',
  details: `The command reads the token from standard input, and never prints it. It decides once about the request, as the gateway would, and says what each provider and each rule did, what to change, and what the client would get. It caches nothing and writes nothing. Without a token write < /dev/null.

It exits with 0 if the request is allowed, with 1 if it is rejected, with 3 if there is no decision, and with 2 for wrong usage. With several paths it prints a table, and the highest code counts.`,
  environment: {
    AUTH_ENDPOINT: 'the URL of the auth endpoint, if neither --keys nor --config is given',
  },
  examples: [
    'with-auth explain --config run.yaml --path /v1/models < token.txt',
    'with-auth explain --keys keys.yaml --path /v1/chat --method POST < key.txt',
  ],
  options: {
    ...QUESTION_OPTIONS,
    as: {
      value: 'JSON',
      help: 'look at the rules alone, for this caller in place of a token, such as {"principal":"alice","attributes":{"roles":["user"]}}',
    },
    ...GUARD_OPTIONS,
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const paths = readPaths(line)
  const question = readQuestion(line)
  const identity = readIdentity(line.text('as'))
  const subject = await readSubject(line, surroundings, () => question.address)
  const token = identity === undefined ? await readToken(surroundings) : ''
  const given = { question, token, isGiven: identity !== undefined }
  const all: Explanation[] = []
  for (const path of paths) {
    const decided = await decideOnce(subject, question, path, identity ?? token)
    const secrets = [token, ...subject.watch.secrets()]
    // It has the same members after that.
    all.push(hideSecrets(await explain(subject, decided, given), secrets) as Explanation)
  }
  const [only] = all
  const text =
    only !== undefined && all.length === 1 ? describeExplanation(only) : describeTable(all)
  const json = `${JSON.stringify({ requests: all })}\n`
  surroundings.print(escapeHidden(line.has('json') ? json : text))
  return Math.max(...all.map(({ outcome }) => CODES[outcome]))
}
