import { createLocalJWKSet } from 'jose/jwks/local'
import { jwtVerify } from 'jose/jwt/verify'
import { jwt } from '../src/jwt.ts'
import { AUDIENCE, goodClaims, ISSUER, keyOf, sign } from '../tests/support/issuer.ts'

/**
 * The processor time of one check of a JWT by `jwt()` and by `jwtVerify` of jose, over the same keys, by the same rules, in one run.
 *
 * Run: tests/runtimes/node_modules/node24/bin/node bench/jwt.ts [CHECKS]
 */

const CHECKS = Number(process.argv[2] ?? 20_000)
const ROUNDS = 15

type Check = (token: string) => Promise<unknown>

/** Microseconds of processor time of this process for one check: the time of day says more about what else runs. */
async function measure(tokens: readonly string[], check: Check): Promise<number> {
  const before = process.cpuUsage()
  for (const token of tokens) await check(token)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / tokens.length
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN
}

async function compare(alg: string): Promise<void> {
  const key = await keyOf(alg, 'a')
  const keys = { keys: [key.jwk] }
  const made = Math.ceil(CHECKS / ROUNDS)
  const tokens = await Promise.all(
    Array.from({ length: made }, (_, index) =>
      sign(key, goodClaims({ jti: String(index), scope: 'read write' })),
    ),
  )
  const verifier = jwt({ issuer: ISSUER, audience: AUDIENCE, keys })
  const { signal } = new AbortController()
  const ours: Check = async (token) => {
    const verdict = await verifier.ask(
      { token, request: { path: '', headers: {}, params: {} } },
      signal,
    )
    if (verdict.outcome !== 'allow') throw new Error(`${alg} was denied`)
  }
  const byJose = createLocalJWKSet(keys)
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: [alg],
    clockTolerance: 5,
    requiredClaims: ['exp', 'sub'],
  }
  const theirs: Check = (token) => jwtVerify(token, byJose, options)
  const costs: [number, number][] = []
  for (let round = 0; round <= ROUNDS; round += 1) {
    const own = await measure(tokens, ours)
    // The first round warms up.
    if (round === 0) await measure(tokens, theirs)
    else costs.push([own, await measure(tokens, theirs)])
  }
  const [own, other] = [median(costs.map(([one]) => one)), median(costs.map(([, one]) => one))]
  const ratio = median(costs.map(([one, two]) => one / two))
  process.stdout.write(
    `${alg.padEnd(6)} jwt() ${own.toFixed(1)} µs, jwtVerify ${other.toFixed(1)} µs: ${ratio.toFixed(2)} times\n`,
  )
}

for (const alg of ['RS256', 'ES256', 'EdDSA']) await compare(alg)
