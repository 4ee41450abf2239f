import { misusedOption } from '../../core/config/option-checks.ts'
import { ATTRIBUTES, checkUrl, CLAIM_PATH, parseVerifierOptions, TEXTS } from '../options.ts'
import { API_SERVER_URL } from './own-address.ts'
import type { Transport } from '../../core/verifier.ts'
import type { Table } from '../../core/config/form.ts'
import type { Problems } from '../../core/config/problems.ts'

/** The options of {@link kubernetesToken}: `audiences` and `token`, or `review: 'self'`. */
export interface KubernetesTokenOptions {
  /**
   * The audiences of this server. A pod gets a token for one of them from a projected volume. Tokens for others, such as those
   * for the API server itself, are denied.
   */
  readonly audiences?: string | readonly string[]
  /**
   * Returns the token of this server's own service account, which needs the role `system:auth-delegator`. It is called again
   * when the token is a minute old, and when the API server rejects it, at most once a minute.
   */
  readonly token?: () => string | Promise<string>
  /**
   * `'self'` lets a token ask about itself. It then must be one for the API server, which every pod has, and this server could
   * act in the cluster by it. Prefer `audiences`.
   */
  readonly review?: 'self'
  /**
   * The URL of the API server. Its certificate is signed by the cluster's own authority: give `fetch` its `ca`.
   *
   * @default that of `KUBERNETES_SERVICE_HOST` and `KUBERNETES_SERVICE_PORT`, else 'https://kubernetes.default.svc'
   */
  readonly apiServerUrl?: string | URL
  /**
   * The attribute for each path of the user: `username`, `uid`, `groups` and `extra`. A service account also has `namespace` and
   * `serviceaccount`, which become attributes of the same name unless they are given here.
   *
   * @default {}
   */
  readonly attributes?: Readonly<Record<string, string>>
  /** The path of the tenant, such as `namespace`. */
  readonly tenant?: string
  /**
   * `true` permits an http URL on another machine. Tokens then travel in clear text.
   *
   * @default false
   */
  readonly allowInsecureHttp?: boolean
  /**
   * Sends the requests. `nodeTransport({ ca })` of `with-auth/node` knows the authority of the cluster.
   *
   * @default `globalThis.fetch`, looked up at each call
   */
  readonly fetch?: Transport
}

/** Options with their defaults. */
export interface ResolvedKubernetes {
  /** `undefined` for a review by the token itself. */
  readonly audiences: readonly string[] | undefined
  readonly token: (() => unknown) | undefined
  readonly review: 'self' | undefined
  readonly apiServerUrl: string
  readonly attributes: Readonly<Record<string, string>>
  readonly tenant: string | undefined
  readonly allowInsecureHttp: boolean
  readonly fetch: Transport | undefined
}

const TABLE: Table<ResolvedKubernetes> = {
  audiences: TEXTS,
  // A text in its place may be the token.
  token: {
    kind: 'function',
    isSecret: true,
    expected: 'a function that returns the token of this server',
  },
  review: {
    kind: 'choice',
    choices: ['self'],
    expected: '"self", or left out beside `audiences`',
  },
  apiServerUrl: API_SERVER_URL,
  attributes: ATTRIBUTES,
  tenant: CLAIM_PATH,
  allowInsecureHttp: { kind: 'boolean', default: false },
  fetch: { kind: 'function' },
}

type Given = Readonly<Partial<Record<keyof ResolvedKubernetes, unknown>>>

/** @throws AuthConfigError with all problems. */
export function parseKubernetesOptions(value: unknown): ResolvedKubernetes {
  return parseVerifierOptions(TABLE, value, (parsed, given, problems) => {
    checkUrl('apiServerUrl', parsed.apiServerUrl, parsed.allowInsecureHttp, problems)
    checkReview(given, problems)
  })
}

function checkReview({ audiences, token, review: given }: Given, problems: Problems): void {
  if (given === undefined && audiences === undefined) {
    const expected =
      'a text or a non-empty list of texts: without it a token that any pod has would be allowed (or write `review`: "self")'
    problems.add(misusedOption(['audiences'], expected))
  }
  if (given !== undefined && audiences !== undefined) {
    problems.add(misusedOption(['review'], 'left out beside `audiences`'))
  }
  if (audiences !== undefined && token === undefined) {
    const expected = 'a function that returns the token of this server: `audiences` needs it'
    problems.add(misusedOption(['token'], expected))
  }
  if (audiences === undefined && token !== undefined) {
    problems.add(misusedOption(['token'], 'left out without `audiences`'))
  }
}
