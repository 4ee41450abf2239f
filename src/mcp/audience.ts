import type { DescribedVerifier } from '../core/seams.ts'

/** The warning about an `audience` that lacks the slash of the identifier: tokens for the identifier would be denied. */
export function warnOfAudience(
  identifier: string,
  verifier: DescribedVerifier | undefined,
): readonly string[] {
  const { href, origin } = new URL(identifier)
  if (href !== `${origin}/`) return []
  const isWrong = describedAudiences(verifier).some(
    (audience) => audience.includes(origin) && !audience.includes(href),
  )
  return isWrong
    ? [
        `"audience" has "${origin}", but clients get tokens for the "identifier" of the resource, which is "${href}": add it to "audience"`,
      ]
    : []
}

function describedAudiences(
  verifier: DescribedVerifier | undefined,
): readonly (readonly unknown[])[] {
  try {
    return audiencesIn(verifier?.describe?.())
  } catch {
    return []
  }
}

/** The audiences of a verifier and of its members, whether code or a file has made it. */
function audiencesIn(described: unknown, depth = 0): readonly (readonly unknown[])[] {
  if (typeof described !== 'object' || described === null || depth > 3) return []
  return Object.entries(described).flatMap(([name, value]) =>
    name === 'audience' ? [[value].flat()] : audiencesIn(value, depth + 1),
  )
}
