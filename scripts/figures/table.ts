import { readFileSync } from 'node:fs'
import { renderTable } from '../../tests/support/markdown.ts'

/** The figures that runs wrote: see `reporter.ts`. */
export interface Figures {
  readonly parsers: Measured & { readonly strings: number }
  readonly oneMegabyte: Measured & { readonly patterns: number; readonly mostMs: number }
  readonly soak: Measured & {
    readonly minutes: number
    readonly connections: number
    readonly requests: number
    readonly faults: number
    readonly keptAsked: number
    readonly keptServed: number
    readonly growthMbPer10Min: number
  }
  readonly staleness: Measured & {
    readonly allowTtlMs: number
    readonly staleIfErrorMs: number
    readonly oneInstanceMs: number
    readonly threeInstancesMs: number
    readonly outageMs: number
  }
  /** By the part of `src`. */
  readonly mutants: { readonly core: Score } & Readonly<Record<string, Score>>
  readonly histories: Measured & { readonly count: number }
  readonly runtimeHistories: Measured & { readonly count: number }
}

interface Measured {
  /** The day. */
  readonly measured: string
}

type Score = Measured & Counts

interface Counts {
  readonly killed: number
  readonly valid: number
}

/** The size of the matrices. */
export interface Matrices {
  readonly attacks: number
  readonly requests: number
  readonly servers: number
  readonly differences: number
  readonly routed: {
    readonly attacks: number
    readonly requests: number
    readonly routers: readonly string[]
  }
  /** Past the rules of a policy. */
  readonly forbidden: {
    readonly attacks: number
    readonly requests: number
    readonly gateways: readonly string[]
  }
  readonly faults: number
  readonly cases: number
  readonly runtimes: readonly string[]
}

type Row = readonly [what: string, figure: string, measured: string, command: string]

export function readFigures(): Figures {
  return JSON.parse(readFileSync(new URL('figures.json', import.meta.url), 'utf8')) as Figures
}

const HEADER: Row = ['what', 'figure', 'measured', 'command']
const SECTION = /(?<=<!-- figures: begin -->\n\n).*?(?=\n\n<!-- figures: end -->)/s

/** The document with the current table of figures. */
export function withFigures(document: string, figures: Figures, matrices: Matrices): string {
  if (!SECTION.test(document)) throw new Error('The document has no place for the table of figures')
  // A function, since `$` has a meaning in a replacement.
  return document.replace(SECTION, () => renderTable([HEADER, ...rowsOf(figures, matrices)]))
}

function rowsOf(figures: Figures, matrices: Matrices): Row[] {
  return [
    ...parserRows(figures),
    ...matrixRows(matrices),
    soakRow(figures),
    stalenessRow(figures),
    ...mutantRows(figures),
    ...historyRows(figures),
  ]
}

function parserRows({ parsers, oneMegabyte }: Figures): Row[] {
  const command = code('npm run test:nightly')
  return [
    [
      'parsers compared with simple reference parsers: credentials, target, `Host`, query, cache key, `Cache-Control`, environment references',
      `no difference in ${grouped(parsers.strings)} strings each`,
      parsers.measured,
      command,
    ],
    [
      `1 MB of input for each parser, in each of ${oneMegabyte.patterns} hostile patterns`,
      `below ${oneMegabyte.mostMs} ms`,
      oneMegabyte.measured,
      command,
    ],
  ]
}

function matrixRows(matrices: Matrices): Row[] {
  const { attacks, requests, servers, differences, routed, faults, cases, runtimes } = matrices
  const { forbidden } = matrices
  return [
    [
      'raw requests: bytes that no Fetch client sends',
      `${attacks} attacks in ${grouped(requests)} requests on each of ${servers} servers; ${differences} known differences between servers, no wrong allow`,
      'each build',
      code('npm run test:runtimes'),
    ],
    [
      'raw requests to routers',
      `${routed.attacks} attacks in ${grouped(routed.requests)} requests on each of ${routed.routers.join(', ')}; no wrong allow`,
      'each night',
      code('npm run test:nightly'),
    ],
    [
      'raw requests to Express behind the gateway, past a `forbid` and past the headers that name the caller',
      `${forbidden.attacks} attacks in ${forbidden.requests} requests on each of ${forbidden.gateways.join(', ')}; no wrong allow`,
      'each build',
      code('npm run test:runtimes'),
    ],
    [
      'faults of the auth endpoint, byte by byte, with and without an identity',
      `${faults} faults in ${cases} cases on each of ${runtimes.join(', ')}; no wrong allow, no crash`,
      'each night',
      code('npm run test:nightly'),
    ],
  ]
}

function soakRow({ soak }: Figures): Row {
  const { minutes, connections, requests, faults, keptAsked, keptServed, growthMbPer10Min } = soak
  return [
    `a soak of ${minutes} minutes over ${connections} connections, with ${faults} faults of the auth endpoint`,
    `${grouped(requests)} requests passed the checks below; ${grouped(keptAsked - keptServed)} of ${grouped(keptAsked)} requests with a cached allow got a 503 during faults; memory ${signed(growthMbPer10Min)} MB in 10 minutes`,
    soak.measured,
    code(`WITH_AUTH_SOAK_MINUTES=${minutes} npm run test:soak`),
  ]
}

function stalenessRow({ staleness }: Figures): Row {
  const { allowTtlMs, staleIfErrorMs, oneInstanceMs, threeInstancesMs, outageMs } = staleness
  return [
    `how long a revoked token works, with \`allowTtlMs\` of ${allowTtlMs} and \`staleIfErrorMs\` of ${staleIfErrorMs}`,
    `at most ${oneInstanceMs} ms on one instance and ${threeInstancesMs} ms on three; ${outageMs} ms while the auth endpoint is unavailable`,
    staleness.measured,
    code('npm run test:nightly'),
  ]
}

function mutantRows({ mutants }: Figures): Row[] {
  const { core, ...others } = mutants
  const parts = Object.values(others)
  const sum = (of: 'killed' | 'valid') => parts.reduce((total, part) => total + part[of], 0)
  const all = scored({ killed: sum('killed'), valid: sum('valid') })
  const least = Math.min(...parts.map(share))
  const command = code('npm run test:mutation')
  return [
    [
      'mutants of the core: the code with one change that breaks it',
      `a test fails for ${scored(core)}; \`scripts/mutation/equivalents.json\` explains the others`,
      core.measured,
      command,
    ],
    [
      `mutants of ${parts.length} other parts of \`src\``,
      `a test fails for ${all}, and for at least ${percent(least)} in each part`,
      oldest(parts),
      command,
    ],
  ]
}

function historyRows({ histories, runtimeHistories }: Figures): Row[] {
  const command = code('npm run test:nightly')
  return [
    [
      'random histories of about ten requests, compared with a model',
      `no wrong allow and no wrong rejection in ${grouped(histories.count)} on Node`,
      histories.measured,
      command,
    ],
    [
      'random histories on Bun, Deno and workerd',
      `no wrong allow and no wrong rejection in ${grouped(runtimeHistories.count)} on each`,
      runtimeHistories.measured,
      command,
    ],
  ]
}

function scored(counts: Counts): string {
  return `${grouped(counts.killed)} of ${grouped(counts.valid)} (${percent(share(counts))})`
}

function share({ killed, valid }: Counts): number {
  return killed / valid
}

function percent(part: number): string {
  return `${(100 * part).toFixed(1)} %`
}

function oldest(parts: readonly Measured[]): string {
  return parts.map(({ measured }) => measured).toSorted()[0] ?? ''
}

function grouped(count: number): string {
  return count.toLocaleString('en-US')
}

function signed(megabytes: number): string {
  return `${megabytes < 0 ? '-' : '+'}${Math.abs(megabytes).toFixed(2)}`
}

function code(command: string): string {
  return `\`${command}\``
}
