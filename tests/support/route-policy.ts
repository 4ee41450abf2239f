import { routePolicy } from '../../src/access.ts'
import { AuthConfigError } from '../../src/index.ts'
import type { Access, Auth } from '../../src/index.ts'
import type { RouteRule } from '../../src/access.ts'

export type Attributes = Auth['attributes']

/** The argument of a policy for a request with this path. */
export function accessTo(path: string, attributes: Attributes = {}, method = 'GET'): Access {
  const request = new Request('http://h/')
  const { signal } = new AbortController()
  // As the core makes them: without a prototype.
  const auth: Auth = { attributes: Object.assign(Object.create(null), attributes) as Attributes }
  return { auth, path, method, request, signal }
}

export function isPermitted(
  rules: readonly RouteRule[],
  path: string,
  attributes?: Attributes,
  method?: string,
): boolean {
  return routePolicy(rules)(accessTo(path, attributes, method))
}

/** Whether one pattern matches a path, by a permit of it and a forbid of it. */
export function matchOf(pattern: string, path: string): { permit: boolean; forbid: boolean } {
  return {
    permit: isPermitted([{ permit: { paths: pattern } }], path),
    forbid: !isPermitted([{ forbid: { paths: pattern } }, { permit: { paths: '*' } }], path),
  }
}

/** The problems of rules, each as `option: what is expected`. */
export function problemsOf(rules: unknown): readonly string[] {
  try {
    routePolicy(rules as readonly RouteRule[])
    return []
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    return error.message.split('\n')
  }
}
