import { isOwn } from './member.ts'
import type { Verifier } from '../../core/verifier.ts'
import type { MemberTraits } from './member.ts'
import type { ParsedFirstOf } from './options.ts'

/** The properties of a verifier that is made of these members. */
export function describeAll({ members, options, reads }: ParsedFirstOf): Partial<Verifier> {
  const accepts = acceptAny(members)
  const id = identify(members, options.fallThrough)
  // The tokens of one member cannot be revoked: then the guard must not promise that they can.
  const endsByItself = members.some(({ verifier }) => verifier.endsByItself === true)
  return {
    reads,
    // Each member that asks a service has policies of its own.
    local: true,
    consumes: [...new Set(members.flatMap(({ consumes }) => consumes))],
    label: 'first_of',
    warnings: [...new Set(members.flatMap(({ warnings }) => warnings))],
    describe: () => ({ type: 'first_of', ...options, verifiers: members.map(describeOne) }),
    ...(accepts === undefined ? {} : { accepts }),
    ...(id === undefined ? {} : { id }),
    ...(endsByItself ? { endsByItself } : {}),
  }
}

function describeOne({ verifier, label }: MemberTraits): object {
  return verifier.describe?.() ?? { type: label ?? 'function' }
}

function acceptAny(members: readonly MemberTraits[]): Verifier['accepts'] {
  if (members.some(({ accepts }) => accepts === undefined)) return undefined
  return (token) => members.some((member) => isOwn(member, token))
}

function identify(members: readonly MemberTraits[], fallThrough: boolean): string | undefined {
  const ids = members.flatMap(({ id }) => (id === undefined ? [] : [id]))
  return ids.length < members.length ? undefined : JSON.stringify(['first_of', fallThrough, ids])
}
