import { getAuth } from '../../src/index.ts'
import type { AuthConfig } from '../../src/index.ts'

/**
 * For the files `*.test-d.ts`, which `npm run types` compiles but does not run: a failure is a compile error. Their types
 * of runtimes and frameworks are reduced. The README's blocks compile against the real types.
 */

/** Whether two types are the same. `any` equals only `any`. */
type Equals<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export declare function same<A, B>(...proof: Equals<A, B> extends true ? [] : ['differ']): void
export declare function fits<Wanted>(value: Wanted): void
export declare function use(...values: unknown[]): void

export type Answer = Response | Promise<Response>

export interface Env {
  readonly AUTH_ENDPOINT: string
}

export const config: AuthConfig = { endpoint: 'https://auth.example.test/validate' }
export const handler = (request: Request): Response => new Response(getAuth(request).principal)
export declare const request: Request
