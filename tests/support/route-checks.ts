import { vi } from 'vitest'
import { createAuthenticator } from '../../src/index.ts'
import { get } from './requests.ts'
import type { AuthConfig } from '../../src/index.ts'

/** The facts of a caller, by a verifier. */
export interface Caller {
  readonly principal?: string
  readonly scopes?: readonly string[]
  readonly attributes?: Readonly<Record<string, readonly string[]>>
}

/** A config that allows every token as this caller. */
export function allow(caller: Caller, config: AuthConfig = {}): AuthConfig {
  return { verifier: () => ({ outcome: 'allow', ...caller }), ...config }
}

/** A request that these guards have let through, from the outer ones to the inner one. */
export async function admitted(...guards: readonly AuthConfig[]): Promise<Request> {
  return admit(get('/notes', 'k1'), ...guards)
}

/** Lets a request through these guards. */
export async function admit(request: Request, ...guards: readonly AuthConfig[]): Promise<Request> {
  for (const guard of guards) {
    const { ok } = await createAuthenticator(guard)(request)
    if (!ok) throw new Error('A guard has rejected the request')
  }
  return request
}

let minutes = 0

/** Watches the console. It gets the same line once a minute, so the clock is put forward until `vi.restoreAllMocks()`. */
export function watchConsole() {
  minutes += 2
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + minutes * 60_000)
  return vi.spyOn(console, 'error').mockImplementation(() => undefined)
}

/** The code in the body of a rejection. `undefined` without a rejection. */
export async function codeOf(response: Response | undefined): Promise<string | undefined> {
  if (response === undefined) return undefined
  const { error } = (await response.json()) as { error: { code: string } }
  return error.code
}
