import type { RouteMatcher } from './route-pattern.ts'
import type { DenialReason } from '../types.ts'

/**
 * Why a request must not reach the handler of its route, or `undefined` if it may. Without `isOwnRoute` the pattern of the
 * route is not known, so no path may be judged.
 */
export function findMisrouting(
  { complainOfRoute }: { readonly complainOfRoute: (() => void) | undefined },
  request: Request,
  path: string,
  isOwnRoute: RouteMatcher | undefined,
): DenialReason | undefined {
  if (isOwnRoute !== undefined) return isOwnRoute(request, path) ? undefined : 'malformed_request'
  if (!('params' in request) || complainOfRoute === undefined) return undefined
  // Bun's requests inherit `params`. A router that sets its own on a Request, as itty-router does, has matched `request.url`.
  if (!('params' in (Object.getPrototypeOf(request) as object))) return undefined
  complainOfRoute()
  return 'not_configured'
}
