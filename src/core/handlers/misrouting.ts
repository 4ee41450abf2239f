import type { DenialReason } from '../types.ts'

/** Whether a request with this canonical path came by its own route, with its own parameters. */
export type RouteMatcher = (request: Request, path: string) => boolean

/** Why a request must not reach the handler of its route. Without `isOwnRoute` the route is not known. */
export function findMisrouting(
  { complainOfRoute }: { readonly complainOfRoute: (() => void) | undefined },
  request: Request,
  path: string,
  isOwnRoute: RouteMatcher | undefined,
): DenialReason | undefined {
  if (isOwnRoute !== undefined) return isOwnRoute(request, path) ? undefined : 'malformed_request'
  if (complainOfRoute === undefined || !('params' in request)) return undefined
  // Bun's requests inherit `params`. A router that sets its own on a Request, as itty-router does, has matched `request.url`.
  if (!('params' in (Object.getPrototypeOf(request) as object))) return undefined
  complainOfRoute()
  return 'not_configured'
}
