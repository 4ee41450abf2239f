import { expect } from 'vitest'
import { ALICE, always, ok } from './answers.ts'
import { NOBODY, row } from './row.ts'
import { expectVerdict } from './site.ts'
import type { Case, Row } from './row.ts'

/** E23 to E25: a well-formed answer with a hostile principal or attributes. */

/** A body, and the identity that the handler may be given. */
function naming(name: string, body: string | Buffer, identity: object): Case {
  return {
    name,
    fault: always(ok(body)),
    expected: 'allow',
    steps: async (site) => {
      const outcome = await site.ask()
      expectVerdict(site, outcome)
      expect(outcome.body).toEqual({ handler: 'HANDLER', ...identity })
    },
  }
}

/** A body that must not count as a principal. */
function namingNobody(name: string, body: string | Buffer): Case {
  return {
    name,
    fault: always(ok(body)),
    expected: NOBODY,
    steps: async (site) => {
      const outcome = await site.ask()
      expectVerdict(site, outcome)
      const nobody = { handler: 'HANDLER', attributes: {} }
      if (outcome.verdict === 'allow') expect(outcome.body).toEqual(nobody)
    },
  }
}

const nest = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
const keys = (count: number): string =>
  Array.from({ length: count }, (_, index) => `"k${index}":[]`).join()

export const IDENTITY_ROWS: readonly Row[] = [
  row('E23', 'an identity that reaches for prototypes', [
    naming(
      '__proto__ and constructor beside a principal',
      '{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}},"principal":"alice"}',
      { principal: 'alice', attributes: {} },
    ),
    naming(
      '__proto__ among the attributes: a name like any other',
      '{"principal":"alice","attributes":{"__proto__":["x"],"constructor":["y"]}}',
      JSON.parse(
        '{"principal":"alice","attributes":{"__proto__":["x"],"constructor":["y"]}}',
      ) as object,
    ),
    namingNobody('a principal in __proto__', '{"__proto__":{"principal":"alice"}}'),
    namingNobody(
      'attributes whose prototype is given',
      '{"principal":"alice","attributes":{"__proto__":{"admin":true}}}',
    ),
    naming('more than is asked for', '{"principal":"alice","admin":true,"stale":true}', {
      principal: 'alice',
      attributes: {},
    }),
  ]),
  row('E24', 'an identity out of all proportion', [
    namingNobody('a principal of 1 MB', JSON.stringify({ principal: 'x'.repeat(1_000_000) })),
    namingNobody(
      'an attribute of 1 MB',
      JSON.stringify({ principal: 'alice', attributes: { x: ['x'.repeat(1_000_000)] } }),
    ),
    namingNobody('100,000 attributes', `{"principal":"alice","attributes":{${keys(100_000)}}}`),
    namingNobody('one byte over 64 KiB', ALICE.padEnd(65_537)),
    naming('64 KiB', ALICE.padEnd(65_536), { principal: 'alice', attributes: {} }),
    naming('10,000 levels beside a principal', `{"deep":${nest(10_000)},"principal":"alice"}`, {
      principal: 'alice',
      attributes: {},
    }),
    namingNobody(
      '10,000 levels in an attribute',
      `{"principal":"alice","attributes":{"deep":${nest(10_000)}}}`,
    ),
    namingNobody('30,000 levels and nothing else', nest(30_000)),
    namingNobody('30,000 levels that do not end', '['.repeat(30_000)),
    naming('the same key twice', '{"principal":"mallory","principal":"alice"}', {
      principal: 'alice',
      attributes: {},
    }),
    namingNobody('a number past 2^53', '{"principal":9007199254740993}'),
    namingNobody('a number past all', '{"principal":1e999}'),
    naming('a byte order mark', `\uFEFF${ALICE}`, { principal: 'alice', attributes: {} }),
    namingNobody('UTF-16', Buffer.from(ALICE, 'utf16le')),
  ]),
  row('E25', 'an identity with line ends, of other letters, or empty', [
    naming('CR and LF, escaped', String.raw`{"principal":"alice\r\nx-admin: true"}`, {
      principal: 'alice\r\nx-admin: true',
      attributes: {},
    }),
    namingNobody('CR and LF as they stand', '{"principal":"alice\r\nx-admin: true"}'),
    naming(
      'CR and LF in an attribute',
      String.raw`{"principal":"alice","attributes":{"a\r\nb":["c\r\nd"]}}`,
      { principal: 'alice', attributes: { 'a\r\nb': ['c\r\nd'] } },
    ),
    naming('NUL', String.raw`{"principal":"alice\u0000"}`, {
      principal: 'alice\0',
      attributes: {},
    }),
    naming('other letters', '{"principal":"Алиса 🔑"}', {
      principal: 'Алиса 🔑',
      attributes: {},
    }),
    namingNobody('an empty principal', '{"principal":""}'),
    naming('a blank principal', '{"principal":" "}', { principal: ' ', attributes: {} }),
  ]),
]
