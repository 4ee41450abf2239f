import { ALICE } from './expectations.ts'
import type { EndpointAnswer } from '../support/endpoint-answer.ts'

export const ALLOW = allow(JSON.stringify(ALICE))

/** A 200 with this body. */
export function allow(
  body: string,
  headers: Readonly<Record<string, string>> = {},
): EndpointAnswer {
  return { status: 200, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** Alice, by a body of this many bytes. */
export function allowOfSize(bytes: number): EndpointAnswer {
  const padded = (padding: string): string => JSON.stringify({ ...ALICE, padding })
  return allow(padded('x'.repeat(bytes - padded('').length)))
}
