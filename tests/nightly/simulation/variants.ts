import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { rolldown } from 'rolldown'
import { ROOT } from '../../support/project.ts'
import type * as Parts from './parts.ts'
import type { HistoryOptions } from './history.ts'

/** The protocol with one guarantee removed: by other source text, by a worse engine, or by how it is used. */
export interface Variant {
  readonly name: string
  /** Texts of `src` and what takes their place. */
  readonly edits?: readonly { readonly file: string; readonly from: string; readonly to: string }[]
  readonly options?: Omit<HistoryOptions, 'seed'>
  /** Where a history was found that shows it. A change of the code may move it. */
  readonly seed?: number
  /** It takes hundreds of histories, so it runs each night. */
  readonly isRare?: true
}

const SEAL = 'redis/seal.ts'
const SHARED = 'redis/shared.ts'
const LEASE = 'redis/lease.ts'
const CONNECTION = 'redis/connection.ts'
const CACHE = 'memory/partition.ts'
const SHARE = 'memory/sharing.ts'

/** Otherwise an instance that has seen a revocation takes nothing from before it, whatever opens. */
const TRUSTS_ALL = {
  file: LEASE,
  from: 'return askedAt >= Math.max(this.#revokedAt[slot] ?? 0, this.#allRevokedAt) + MAX_SKEW_MS',
  to: 'return true',
}

export const VARIANTS: readonly Variant[] = [
  {
    name: 'a value that fits any fence',
    seed: 2,
    edits: [
      TRUSTS_ALL,
      { file: SEAL, from: 'Buffer.from(run), ...fences, name', to: 'Buffer.from(run), name' },
    ],
  },
  {
    name: 'a fence that is read when a value is written',
    isRare: true,
    seed: 26,
    edits: [
      TRUSTS_ALL,
      {
        file: SHARED,
        from: 'const share = (shared: SharedAllow): void => {',
        to: `const share = async (shared: SharedAllow): Promise<void> => {
          const [newAll, newFence] = await link.read(fenceKeys).catch(() => [])
          if (newAll === undefined || newFence === undefined) return
          const place = { run, fences: [newAll, newFence] } as const`,
      },
    ],
  },
  {
    name: 'a value that fits any run, where lost writes are not noticed',
    seed: 329,
    isRare: true,
    edits: [TRUSTS_ALL],
    options: { flaws: { sameRun: true } },
  },
  {
    name: 'fences that count up',
    seed: 329,
    isRare: true,
    edits: [
      TRUSTS_ALL,
      {
        file: 'redis/revocations.ts',
        from: 'return randomBytes(FENCE_BYTES)',
        to: 'const fence = Buffer.alloc(FENCE_BYTES); fence.writeUInt32BE((counter += 1)); return fence',
      },
      {
        file: 'redis/revocations.ts',
        from: 'const FENCE_BYTES',
        to: 'let counter = 0\nconst FENCE_BYTES',
      },
    ],
    options: { flaws: { sameRun: true } },
  },
  {
    name: 'a message that goes out before the fence',
    seed: 297,
    isRare: true,
    edits: [TRUSTS_ALL],
    options: { flaws: { publishesFirst: true } },
  },
  {
    name: 'decisions without a lease',
    seed: 20,
    edits: [
      {
        file: LEASE,
        from: 'return ageMs < lease.lostPushTtlMs && wallAgeMs >= 0 && wallAgeMs < lease.lostPushTtlMs',
        to: 'return ageMs + wallAgeMs < Infinity',
      },
    ],
  },
  {
    name: 'a new subscription that keeps older decisions',
    seed: 5,
    edits: [{ file: CONNECTION, from: 'this.#lease.restart()', to: '' }],
  },
  {
    name: 'a lease by the clock that never jumps',
    isRare: true,
    seed: 62,

    edits: [
      {
        file: LEASE,
        from: 'if (now < lease.endsAt && wallNow < lease.wallEndsAt && wallNow >= lease.wallBeganAt) {',
        to: 'if (now < lease.endsAt) {',
      },
    ],
  },
  {
    name: 'a decision that is stamped when it is stored',
    seed: 14,
    edits: [
      {
        file: CACHE,
        from: 'verifier: facts.verifier, ttlMs, stamp,',
        to: 'verifier: facts.verifier, ttlMs, stamp: this.#memory.store?.stamp(check.token, this.#memory.clock.now(), this.#memory.clock.wallNow()),',
      },
      { file: CACHE, from: 'isOutdated || stamp?.isCurrent() === false', to: 'isOutdated' },
    ],
  },
  {
    name: 'a request that joins a call from before a revocation',
    seed: 4,
    edits: [
      {
        file: 'core/asking/under-way.ts',
        from: 'return this.stamp === undefined || this.stamp.isGood(now, wallNow())',
        to: 'return true',
      },
    ],
  },
  {
    name: 'a shared value that may be older than what the endpoint told',
    edits: [{ file: SHARE, from: ' && askedAt >= lastAskedAt(check) + MAX_SKEW_MS', to: '' }],
  },
  {
    name: 'a revocation that counts as acknowledged when it is sent',
    seed: 40,
    isRare: true,
    edits: [
      {
        file: 'redis/revocations.ts',
        from: 'pending.waiting.add(settle)',
        to: 'pending.waiting.add(settle)\n      resolve()',
      },
    ],
  },
  { name: 'a revocation before the change', seed: 2, options: { announcesFirst: true } },
]

/** Bundles the parts of a variant, and loads them. */
export async function loadVariant({ name, edits = [] }: Variant): Promise<typeof Parts> {
  const folder = mkdtempSync(join(tmpdir(), 'with-auth-variant-'))
  const made = new Set<string>()
  const bundle = await rolldown({
    input: join(ROOT, 'tests/nightly/simulation/parts.ts'),
    external: /^node:/,
    plugins: [
      {
        name: 'variant',
        transform: (code, id) => {
          let text = code
          for (const { file, from, to } of edits) {
            if (!id.endsWith(`/src/${file}`)) continue
            if (!text.includes(from)) throw new Error(`${name}: ${file} has no ${from}`)
            text = text.replace(from, () => to)
            made.add(from)
          }
          return text
        },
      },
    ],
  })
  const file = join(folder, 'parts.mjs')
  await bundle.write({ file })
  await bundle.close()
  if (made.size !== edits.length) throw new Error(`${name}: some texts were not found`)
  try {
    return (await import(pathToFileURL(file).href)) as typeof Parts
  } finally {
    rmSync(folder, { recursive: true })
  }
}
