import type { RuntimeName } from './row.ts'

/** The server programs print these. The guard says why requests are rejected, which identity it dropped, and which status is odd. */
const OWN =
  /^HANDLER |^Listening on \S+$|^with-auth: .*(?:\brequests are rejected\b|\bthe request was rejected\b|\bidentity that was dropped\b|\b(?:answers \d+ to|redirects) (?:every|some) questions?: )/

const NODE_CAUSES = [
  'CERT_HAS_EXPIRED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]

/** The causes that the guard finds, among others, in the errors of each runtime. workerd gives none. */
export const CAUSES: Readonly<Record<RuntimeName, readonly string[]>> = {
  Node: NODE_CAUSES,
  'Node by its dispatcher': NODE_CAUSES,
  'Node over undici': NODE_CAUSES,
  Bun: NODE_CAUSES,
  Deno: NODE_CAUSES.map((cause) => cause.replace('DEPTH_ZERO_SELF_SIGNED_CERT', 'CERT_UNTRUSTED')),
  workerd: [],
}

/** Lines that a runtime prints by itself for a fault that it also reports to the program. */
const NOISE: Readonly<Record<RuntimeName, RegExp | undefined>> = {
  Node: undefined,
  'Node by its dispatcher': undefined,
  'Node over undici': undefined,
  Bun: /^Decompression error: \w+$/,
  Deno: undefined,
  workerd: new RegExp(
    [
      String.raw`^\{"event":"listen"`,
      // A connection that failed, and the addresses of the program that it failed in.
      String.raw`^workerd/jsg/util\.c\+\+:\d+: error: e = \S+: failed: (?:TLS handshake failed|failed to lookup address)`,
      String.raw`^stack: `,
      // A request that has ended would have been woken by another.
      String.raw`^workerd/io/io-own\.c\+\+:\d+: warning: .*dropped queued cross-context actions`,
    ].join('|'),
  ),
}

/** Whether a printed line is expected, so that it shows no defect. */
export function isKnown(runtime: RuntimeName, line: string): boolean {
  return OWN.test(line) || NOISE[runtime]?.test(line) === true
}
