import type { ContestantId } from './contestants.ts'
import type { RuntimeId } from './support/runtimes.ts'

/** The requests of a match. */
export interface Load {
  /** `hot`: one token; `many`: 10,000 in turn; `new`: a new one for each request; all others are rejected. */
  readonly tokens: 'hot' | 'many' | 'new' | 'none' | 'malformed' | 'denied' | 'garbage'
  readonly headers: 6 | 20
  readonly connections: number
}

/** Contestants that are measured in turn with the same load, and compared with the first one. */
export interface Match {
  /** `npm run bench -- <word>` selects by id. */
  readonly id: string
  readonly title: string
  readonly load: Load
  readonly runtimes: readonly RuntimeId[]
  readonly contestants: readonly ContestantId[]
  /** The contestants that get other tokens. */
  readonly otherTokens?: Partial<Record<ContestantId, Load['tokens']>>
  /** The delay of the endpoint. */
  readonly endpointMs?: number
  /** The runtimes of this match in `--quick`. */
  readonly quick?: readonly RuntimeId[]
}

const ALL = ['node24', 'bun', 'deno', 'workerd'] as const
const NEWER = ['node24', 'node26', 'bun', 'deno', 'workerd'] as const
const USUAL = { headers: 6, connections: 64 } as const

const HITS = ['bare', 'map', 'kept'] as const
const HITS_OF_HONO = ['bare-hono', 'map-hono', 'kept-hono'] as const
const MISSES = ['post', 'asked', 'post-hono', 'asked-hono', 'bearer-verify'] as const
const MISSES_OF_NODE = [
  ...(['post-hono', 'post', 'post-http', 'post-undici', 'post-hono-undici'] as const),
  ...(['asked', 'asked-hono', 'transported', 'transported-hono'] as const),
]
const REFUSALS = ['bare', 'map', 'kept', 'kept-hono', 'bearer-static'] as const

const hits: readonly Match[] = [
  {
    id: 'hit/hot',
    title: 'A cached decision, one token',
    load: { tokens: 'hot', ...USUAL },
    runtimes: NEWER,
    contestants: [...HITS, ...HITS_OF_HONO, 'bearer-static'],
    quick: ['node24'],
  },
  {
    id: 'hit/many',
    title: 'Cached decisions, 10,000 tokens in turn',
    load: { tokens: 'many', ...USUAL },
    runtimes: NEWER,
    contestants: [...HITS, ...HITS_OF_HONO],
    quick: ['node24'],
  },
  {
    id: 'hit/headers',
    title: 'A cached decision, 20 request headers',
    load: { tokens: 'hot', headers: 20, connections: 64 },
    runtimes: ALL,
    contestants: HITS,
  },
  {
    id: 'hit/single',
    title: 'A cached decision, one connection',
    load: { tokens: 'hot', headers: 6, connections: 1 },
    runtimes: ALL,
    contestants: HITS,
  },
]

const misses: readonly Match[] = [
  {
    id: 'miss/node',
    title: 'Every token new, and other ways of Node to send a POST',
    load: { tokens: 'new', ...USUAL },
    runtimes: ['node24'],
    contestants: [...MISSES_OF_NODE, 'endpoint'],
    quick: ['node24'],
  },
  {
    id: 'miss/new',
    title: 'Every token new',
    load: { tokens: 'new', ...USUAL },
    runtimes: ALL,
    contestants: [...MISSES, 'endpoint'],
  },
  {
    id: 'miss/headers',
    title: 'Every token new, 20 request headers',
    load: { tokens: 'new', headers: 20, connections: 64 },
    runtimes: ALL,
    contestants: ['post', 'asked'],
  },
  {
    id: 'miss/single',
    title: 'Every token new, one connection',
    load: { tokens: 'new', headers: 6, connections: 1 },
    runtimes: ALL,
    contestants: ['bare', 'post', 'asked'],
  },
  {
    id: 'miss/single-node',
    title: 'Every token new, one connection, and other ways of Node to send a POST',
    load: { tokens: 'new', headers: 6, connections: 1 },
    runtimes: ['node24'],
    contestants: ['bare', 'post-hono', 'post-undici', 'asked', 'transported'],
  },
  {
    id: 'miss/slow',
    title: 'Every token new, an endpoint that takes 5 ms',
    load: { tokens: 'new', ...USUAL },
    runtimes: ALL,
    contestants: ['post', 'asked'],
    endpointMs: 5,
  },
]

const refusals = (
  [
    ['none', 'Rejected: no header'],
    ['malformed', 'Rejected: a malformed token'],
    ['denied', 'Rejected: a cached denial'],
  ] as const
).map(([tokens, title]): Match => ({
  id: `refused/${tokens}`,
  title,
  load: { tokens, ...USUAL },
  runtimes: ALL,
  contestants: REFUSALS,
  ...(tokens === 'none' ? { quick: ['node24'] } : {}),
}))

const NGINX = [
  'nginx',
  'nginx-auth',
  'nginx-auth-empty',
  'nginx-cache',
  'nginx-cache-empty',
] as const

const peers: readonly Match[] = [
  {
    id: 'peers/nginx-hot',
    title: 'nginx, one token',
    load: { tokens: 'hot', ...USUAL },
    runtimes: ['node24'],
    contestants: [...NGINX],
    quick: ['node24'],
  },
  {
    id: 'peers/nginx-many',
    title: 'nginx, 10,000 tokens in turn',
    load: { tokens: 'many', ...USUAL },
    runtimes: ['node24'],
    contestants: ['nginx', 'nginx-cache', 'nginx-cache-empty'],
  },
  {
    id: 'peers/caddy',
    title: 'Caddy',
    load: { tokens: 'hot', ...USUAL },
    runtimes: ['node24'],
    contestants: ['caddy', 'caddy-auth'],
  },
  {
    id: 'peers/origin',
    title: 'The design that the contract comes from, every token new except for cached decisions',
    load: { tokens: 'new', ...USUAL },
    runtimes: ['node24'],
    contestants: ['origin', 'fastapi', 'post-hono', 'asked', 'transported', 'kept'],
    otherTokens: { kept: 'hot' },
    quick: ['node24'],
  },
]

export const MATCHES: readonly Match[] = [...hits, ...misses, ...refusals, ...peers]
