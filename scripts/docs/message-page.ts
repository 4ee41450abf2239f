import { collectAnswers, collectMessages, readComments } from './messages.ts'
import { readAnchors, renderTable } from '../../tests/support/markdown.ts'
import { messagesInCode, messagesInFile } from './option-messages.ts'
import { readText, sorted } from '../../tests/support/project.ts'
import type { DenyDetail } from '../../src/core/types.ts'
import type { Message } from './messages.ts'

const HEAD = `# Messages

<!-- Written by \`npm run docs:generate\` from the sentences in the code. -->

Every sentence of with-auth, by the place where you meet it. What is filled in stands in \`<angle brackets>\`. [Errors](errors.md)
explains the codes, and [Troubleshooting](troubleshooting.md) begins with a symptom.`

interface Place {
  readonly title: string
  readonly intro: string
  readonly owns: (message: Message) => boolean
}

/** The first place that owns a message has it. The page shows them from the last one. */
const PLACES: readonly Place[] = [
  {
    title: 'Answers of the key endpoint',
    intro: 'The server that asks it reads these, and its clients never do.',
    owns: ({ file, by }) => by === '' && /^keys\/(?:endpoint|question)\.ts$/.test(file),
  },
  {
    title: 'What `with-auth check` advises',
    intro: 'The command writes what the endpoint did, and below it what to change.',
    owns: ({ file }) => file.startsWith('cli/conformance/'),
  },
  {
    title: 'Commands',
    intro: 'On standard error, behind `with-auth: `. A `UsageError` is wrong usage: exit code 2.',
    owns: ({ file }) => file.startsWith('cli/'),
  },
  {
    title: 'Configuration files',
    intro: 'A `ConfigFileError` has `file:line:column` before each of them.',
    owns: ({ file }) => file.startsWith('yaml') || file.startsWith('files/yaml-text'),
  },
  {
    title: 'Keys',
    intro:
      'A `KeyFileError` of [this code](errors.md#keyfileerror), or a mistake in a line of the file.',
    owns: ({ file }) => /^(?:keys|files)[./]/.test(file),
  },
  {
    title: 'Options of a config',
    intro:
      'An `AuthConfigError`, when the wrapper is made. [Configuration](configuration.md) lists what each option must be.',
    owns: ({ file, by }) => by === 'AuthConfigError' || file === 'core/config/problems.ts',
  },
  {
    title: 'Errors of calls',
    intro: 'Your code called a function of the package in a way that cannot work.',
    owns: ({ by }) => by !== '' && by !== 'AuthUnavailableError',
  },
  {
    title: 'Console and `warning` events',
    intro:
      '`onEvent` gets them, or the console without it, behind `with-auth: ` and at most once a minute.',
    owns: () => true,
  },
]

/** `docs/messages.md`. */
export function createMessagePage(): string {
  const messages = collectMessages()
  const sectionOf = (place: Place): string => {
    const own = messages.filter((message) => PLACES.find(({ owns }) => owns(message)) === place)
    return `## ${place.title}\n\n${place.intro}\n\n${tableOf(own)}`
  }
  const sections = PLACES.reduceRight<string[]>(
    (shown, place) => shown.concat(sectionOf(place)),
    [],
  )
  const parts = [HEAD, sectionOfAnswers(), sectionOfDetails(), ...sections, sectionOfOptions()]
  return `${parts.join('\n\n')}\n`
}

function sectionOfOptions(): string {
  const rowsOf = (rows: ReturnType<typeof messagesInCode>): string[][] =>
    rows.map(([where, message]) => [where, inCode(message)])
  const inFunctions = renderTable([['function', 'message'], ...rowsOf(messagesInCode())])
  const inFile = renderTable([['line:column', 'message'], ...rowsOf(messagesInFile())])
  return `## What each option must be\n\nIn code, with the function that takes the options. \`, received\` and the value follow, unless it may be a secret.\n\n${inFunctions}\n\nIn a file, with the place in one that has it.\n\n${inFile}`
}

function sectionOfAnswers(): string {
  const anchors = new Set(readAnchors(readText('docs/errors.md')))
  const rows = collectAnswers().map(({ code, status, message }) => [
    // Not an element of HTML.
    message.replaceAll('<', String.raw`\<`),
    anchors.has(code) ? `[\`${code}\`](errors.md#${code})` : `\`${code}\``,
    status,
  ])
  const lines = new Map(rows.map((row) => [row.join(), row]))
  const table = renderTable([['message', 'code', 'status'], ...sortedRows([...lines.values()])])
  return `## What clients read\n\nAs \`error.message\`, with the code beside it. The link says what it means, and what to do.\n\n${table}`
}

/** The change that a detail asks for, and its meaning with some servers. */
interface Advice {
  readonly change: string
  readonly keycloak?: string
  readonly hydra?: string
  readonly kubernetes?: string
}

const NEW_TOKEN = 'Nothing: the client gets a new token.'

const ADVICE: Readonly<Record<DenyDetail, Advice>> = {
  too_long: {
    change: 'The event says how long it was. Let the issuer put less into it, such as fewer roles.',
    keycloak: 'some 240 roles: turn off "Full scope allowed" of [the client](jwt.md#keycloak)',
  },
  malformed: {
    change: 'Let the client send the whole access token. An opaque one needs `introspection`.',
    hydra: 'opaque by default: `STRATEGIES_ACCESS_TOKEN=jwt`, or `introspection`',
  },
  algorithm: {
    change:
      'Let the issuer sign with another one, or extend `algorithms`. `HS256` is never allowed.',
    keycloak: 'a refresh token (`HS512`), or "Access token signature algorithm" of the client',
  },
  type: {
    change: 'Let the client send its access token. For another `typ` of the header set `types`.',
    keycloak: 'an ID token (`"typ": "ID"`)',
    hydra: 'of `introspection`: a refresh token',
  },
  unknown_key: {
    change:
      'Is the token of this issuer, and are these its keys? After a rotation it passes by itself.',
    keycloak: 'a key of another realm, or of the curve Ed448',
    kubernetes: 'a token of another cluster',
  },
  signature: { change: 'Nothing, if it is an attack. Else an issuer uses one `kid` for two keys.' },
  issuer: {
    change: 'Set `issuer` to the text of `iss`: slash, scheme, host and port count.',
    keycloak: 'the host name under which the client asked: set `KC_HOSTNAME`',
    hydra: '`URLS_SELF_ISSUER`',
    kubernetes: '`--service-account-issuer`',
  },
  audience: {
    change: 'Let the issuer put your API into `aud`, or set `audience` to what is there.',
    keycloak:
      '`account`: the client lacks an audience mapper; missing: a lightweight token, which needs `introspection`',
    hydra: '`[]`: the client asked for no `audience`',
    kubernetes: "the API server's own: `kubectl create token --audience`, or a projected volume",
  },
  expired: { change: NEW_TOKEN },
  not_yet_valid: { change: 'Set the clocks. `clockToleranceSeconds` bridges some seconds.' },
  missing_claim: {
    change:
      'The event names the claim. Let the issuer send it, or set `principal` or `requiredClaims`.',
    hydra: 'with `requiredClaims: ["client_id"]` an ID token',
  },
  bound: {
    change: 'Let the issuer give out Bearer tokens: nothing here can check the proof.',
    keycloak: '"Require DPoP bound tokens" of the client, or a client that sent a proof',
  },
  inactive: {
    change: `${NEW_TOKEN} If it is so for every token, check the client that asks.`,
    keycloak: 'also for a client that is not in `aud`, and at another host name',
    hydra: 'also for an ID token',
  },
  unknown_token: {
    change: 'Let the client send a token of this service.',
    kubernetes: 'also for a pod or an account that is gone',
  },
  no_verifier: { change: 'Let the client send a token of one of them, or add a member.' },
  tenant: { change: 'Let the issuer send a tenant, or change `tenant`.' },
  proof: { change: 'Set the same secret here and in the proxy.' },
  address: { change: 'Add the address of the proxy to `proof.addresses`, if it is one.' },
  revoked: { change: 'Nothing, if it should not work. Else give the client a new key.' },
  path: { change: 'Give the client a key for this path.' },
  unknown: { change: 'Let the client send its whole key. `with-auth keys check` reads a key.' },
}

function sectionOfDetails(): string {
  const details = readComments('core/errors.ts', 'DENY_DETAILS')
  const adviceOn = (name: string): Partial<Advice> => ({ ...ADVICE })[name as DenyDetail]
  const table = renderTable([
    ['`detail`', 'what it means', 'what to change'],
    ...details.map(([name, meaning]) => [`\`${name}\``, meaning, adviceOn(name).change ?? '']),
  ])
  const rows = details.map(([name]) => {
    const { keycloak = '', hydra = '', kubernetes = '' } = adviceOn(name)
    return [`\`${name}\``, keycloak, hydra, kubernetes]
  })
  const known = rows.filter(([, ...cells]) => cells.some((cell) => cell !== ''))
  const servers = renderTable([['`detail`', 'Keycloak', 'Hydra', 'Kubernetes'], ...known])
  return `## Why a token was denied\n\nAs \`detail\` of the decision event, in the log and in traces. The client reads only \`denied\`, \`forbidden\` or \`malformed_credentials\`.\n\n${table}\n\nWhat it most often is with some servers:\n\n${servers}`
}

function tableOf(messages: readonly Message[]): string {
  // An explanation is read on the console, whatever carries it.
  const hasClass = messages.some(({ by }) => by !== '' && by !== 'AuthUnavailableError')
  const rows = messages.map(({ text, by }) => [
    inCode(text),
    ...(hasClass ? [by && `\`${by}\``] : []),
  ])
  return renderTable([['message', ...(hasClass ? ['error'] : [])], ...sortedRows(rows)])
}

function sortedRows(rows: readonly string[][]): string[][] {
  const byText = new Map(rows.map((row) => [row.join('\0'), row]))
  return sorted(byText.keys()).map((key) => byText.get(key) ?? [])
}

// A bar would end the cell, in code too.
function inCode(text: string): string {
  const shown = text.replaceAll('|', String.raw`\|`)
  return shown.includes('`') ? `\`\` ${shown} \`\`` : `\`${shown}\``
}
