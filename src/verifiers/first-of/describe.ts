import { isOwn } from './member.ts'
import type { VerifierParts } from '../../core/endpoint/checked-verifier.ts'
import type { ParsedFirstOf } from './options.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'

/** The traits of a verifier that is made of these members. */
export function describeAll({
  verifiers,
  options,
  reads,
}: ParsedFirstOf): Omit<VerifierParts, 'ask' | 'verify'> {
  const { fallThrough } = options
  return {
    reads,
    // Each member that asks a service has policies of its own.
    local: true,
    consumes: unique(verifiers.flatMap(({ consumes }) => consumes)),
    label: 'first_of',
    warnings: unique(verifiers.flatMap(({ warnings }) => warnings)),
    describe: () => ({
      type: 'first_of',
      ...options,
      verifiers: verifiers.map((verifier) => verifier.describe()),
    }),
    accepts: acceptAny(verifiers),
    id: identify(verifiers, fallThrough),
    // The tokens of one member cannot be revoked: then the guard must not promise that they can.
    endsByItself: verifiers.some((verifier) => verifier.endsByItself) ? true : undefined,
    choices: verifiers.flatMap(({ members }) => members),
  }
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}

function acceptAny(verifiers: readonly CheckedVerifier[]): CheckedVerifier['accepts'] {
  if (verifiers.some(({ accepts }) => accepts === undefined)) return undefined
  return (token) => verifiers.some((verifier) => isOwn(verifier, token))
}

function identify(verifiers: readonly CheckedVerifier[], fallThrough: boolean): string | undefined {
  const ids = verifiers.flatMap(({ id }) => (id === undefined ? [] : [id]))
  return ids.length < verifiers.length ? undefined : JSON.stringify(['first_of', fallThrough, ids])
}
