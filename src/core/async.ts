import { AuthUnavailableError } from './errors.ts'

/** Whether a value has a `then`. Not by class: a library may replace the global `Promise`, but not that of async functions. */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Keeps an unawaited rejection from ending the process. Passes its reason to `tell`, which must not throw. */
export function ignore(value: unknown, tell: (error: unknown) => void = () => undefined): void {
  if (isPromise(value)) Promise.resolve(value).catch(tell)
}

/** Settles as the promise does, or rejects as soon as the signal aborts, even if the promise ignores the signal. */
export function orAborted<Value>(pending: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new AuthUnavailableError('timeout'))
    const leave = (): void => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    const succeed = (value: Value): void => {
      leave()
      resolve(value)
    }
    const fail = (error: unknown): void => {
      leave()
      reject(error)
    }
    void pending.then(succeed, fail)
  })
}

/** The value of a promise, or `undefined` if it takes longer. Leaves no timer behind. */
export async function within<Value>(
  ms: number,
  promise: Promise<Value>,
): Promise<Value | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const expired = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), ms)
  })
  try {
    return await Promise.race([promise, expired])
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Settles as a promise of another request does, or with `undefined`: by its compatibility date, a Worker rejects or never settles
 * what waits for a promise of a request that has ended.
 */
export async function orLost<Value>(ended: Promise<Value> | undefined): Promise<Value | undefined> {
  try {
    return await ended
  } catch {
    return undefined
  }
}
