import { AuthUnavailableError } from './errors.ts'

/**
 * Whether something is not there yet. By shape: a library that replaces the global `Promise` makes that of an async
 * function no instance of it.
 */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Keeps an unawaited rejection from ending the process. Passes its reason to `tell`, which must not throw. */
export function ignore(value: unknown, tell: (error: unknown) => void = () => undefined): void {
  if (isPromise(value)) Promise.resolve(value).catch(tell)
}

/** Waits, or less long if the signal aborts. Never throws, and leaves no timer behind. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/**
 * The value of a promise, or a rejection as soon as the signal aborts: a call that does not obey its signal must not hold
 * what waits for it.
 */
export function orAborted<Value>(pending: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(new AuthUnavailableError('timeout'))
    const leave = (): void => signal.removeEventListener('abort', abort)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    void pending.then(resolve, reject).then(leave)
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
