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
