/**
 * Whether something is not there yet. By shape: a library that replaces the global `Promise` makes that of an async
 * function no instance of it.
 */
export function isPromise<Value>(value: Value | Promise<Value>): value is Promise<Value> {
  return typeof value === 'object' && value !== null && 'then' in value
}

/** Keeps the rejection of what nobody waits for from ending the process. */
export function ignore(value: unknown): void {
  if (isPromise(value)) Promise.resolve(value).catch(() => undefined)
}
