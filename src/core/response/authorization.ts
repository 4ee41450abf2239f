import { isPromise, orAborted } from '../async.ts'
import { adoptUnavailable } from '../errors.ts'
import { systemClock } from '../runtime.ts'
import { warnOnce } from './events.ts'
import type { AuthConfig } from '../auth-config.ts'
import type { Access, Auth } from '../types.ts'
import type { Channel } from './events.ts'
import type { Failure } from './failure.ts'
import type { GuardedResource } from '../seams.ts'

/** A request whose caller is known. */
interface KnownCaller {
  readonly auth: Auth
  readonly request: Request
  readonly path: string
  readonly deadline: number
}

/** Returns why the caller may not proceed, and a promise only if a hook does. Throws and rejects as the hooks do. */
export type Authorize = (caller: KnownCaller) => Failure | undefined | Promise<Failure | undefined>

type Hook = NonNullable<AuthConfig['authorize']> & Partial<Pick<Policy, typeof POLICY>>

/** The decision of a policy, and the index of the rule that made it. */
export interface Ruling {
  readonly isPermitted: boolean
  readonly rule?: number | undefined
  /** A warning for the operator. It is told once. */
  readonly warning?: string
}

type Rule = (access: Access) => Ruling

export const POLICY: unique symbol = Symbol('policy')

/** A hook that is made of rules, so that the event of a denial can name the one that decided. */
export interface Policy {
  (access: Access): boolean
  readonly [POLICY]: {
    readonly rule: Rule
    /** Warnings for the operator at the start. */
    readonly warnings: readonly string[]
  }
}

/** Warnings about a config before the first request, by its verifier and its policies. */
export function startWarnings({
  warnings,
  routePolicy,
  authorize,
}: Pick<AccessOptions, 'routePolicy' | 'authorize'> & {
  readonly warnings: readonly string[]
}): readonly string[] {
  const hooks: readonly (Hook | undefined)[] = [routePolicy, authorize]
  const ofPolicies = hooks.flatMap((hook) => hook?.[POLICY]?.warnings ?? [])
  return [...warnings, ...ofPolicies]
}

interface AccessOptions {
  readonly authorize: AuthConfig['authorize']
  readonly routePolicy: AuthConfig['routePolicy']
  readonly scopeImplies: AuthConfig['scopeImplies']
  readonly resource: false | GuardedResource
}

/** Puts the conditions of a config in their order. `undefined` without any, so that a hit pays for none. */
export function createAuthorize(
  config: AccessOptions,
  notify: Channel['notify'],
): Authorize | undefined {
  const { authorize, routePolicy, scopeImplies, resource } = config
  const needsScopes = resource !== false && resource.require.length > 0
  const hooks = [routePolicy, authorize].filter((hook) => hook !== undefined)
  if (!needsScopes && hooks.length === 0) return undefined
  const warn = warnOnce(notify)
  return (caller) => {
    const refusal = needsScopes ? resource.refusal(caller.auth, scopeImplies) : undefined
    if (refusal !== undefined) return { reason: refusal }
    return hooks.length === 0 ? undefined : askHooks(hooks, openAccess(caller, warn))
  }
}

/** The state that the hooks of one request share. */
interface OpenAccess {
  readonly access: Access
  readonly deadline: number
  readonly abort: () => void
  readonly warn: (message: string) => void
}

function openAccess(
  { auth, request, path, deadline }: KnownCaller,
  warn: OpenAccess['warn'],
): OpenAccess {
  let controller: AbortController | undefined
  const access = Object.freeze({
    auth,
    path,
    method: request.method,
    request,
    // Made when it is read: a hook that decides at once does not need it.
    get signal() {
      return (controller ??= new AbortController()).signal
    },
  })
  return { access, deadline, abort: () => controller?.abort(), warn }
}

function askHooks(
  [hook, ...others]: readonly Hook[],
  open: OpenAccess,
): Failure | undefined | Promise<Failure | undefined> {
  if (hook === undefined) return undefined
  const goOn = (refused: Failure | undefined) => refused ?? askHooks(others, open)
  const refused = askHook(hook, open)
  return isPromise(refused) ? refused.then(goOn) : goOn(refused)
}

function askHook(hook: Hook, open: OpenAccess): Failure | undefined | Promise<Failure | undefined> {
  try {
    const rule = hook[POLICY]?.rule
    if (rule !== undefined) return askPolicy(rule, open)
    const answer: unknown = hook(open.access)
    return isPromise(answer) ? waitFor(answer, open) : refusedBy({ isPermitted: answer === true })
  } catch (error) {
    throw adoptUnavailable(error)
  }
}

function askPolicy(rule: Rule, { access, warn }: OpenAccess): Failure | undefined {
  const ruling = rule(access)
  if (ruling.warning !== undefined) warn(ruling.warning)
  return refusedBy(ruling)
}

function refusedBy({ isPermitted, rule }: Ruling): Failure | undefined {
  return isPermitted ? undefined : { reason: 'forbidden', rule }
}

/** An answer that comes too late counts as none, even if it is `true`. */
async function waitFor(answer: Promise<unknown>, open: OpenAccess): Promise<Failure | undefined> {
  const { signal } = open.access
  const timer = setTimeout(open.abort, open.deadline - systemClock.now())
  try {
    const isPermitted = (await orAborted(Promise.resolve(answer), signal)) === true
    return refusedBy({ isPermitted })
  } catch (error) {
    throw adoptUnavailable(error)
  } finally {
    clearTimeout(timer)
  }
}
