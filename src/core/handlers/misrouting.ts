import type { RouteCheck } from './route-pattern.ts'
import type { DenialReason } from '../types.ts'

/**
 * Why a request must not reach the handler of its route, or `undefined` if it may. Without `isOwnRoute` the pattern is not
 * known by which the request came, so no path may be judged.
 */
export function findMisrouting(
  { complainOfRoute }: { readonly complainOfRoute: (() => void) | undefined },
  request: Request,
  path: string,
  isOwnRoute: RouteCheck | undefined,
): DenialReason | undefined {
  if (isOwnRoute !== undefined) return isOwnRoute(request, path) ? undefined : 'malformed_request'
  if (!('params' in request) || complainOfRoute === undefined || !cameByRoute(request))
    return undefined
  complainOfRoute()
  return 'not_configured'
}

// Bun's requests inherit `params`, which cannot be assigned. A router that sets its own on a Request, as itty-router does,
// has matched `request.url`.
function cameByRoute(request: Request): boolean {
  return 'params' in (Object.getPrototypeOf(request) as object)
}
