/**
 * Reads a value out of nested objects by a path such as `realm_access.roles`, where `\.` is a dot within a name. If the path
 * leads nowhere, the whole text is tried as one name, such as `https://example.com/roles`. Only own properties count.
 */
export function readPath(value: unknown, path: string): unknown {
  // Most paths are one name, and splitting costs more than all the rest.
  if (!path.includes('.')) return readName(value, path)
  let found = value
  for (const name of splitPath(path)) {
    if (!isRecord(found) || !Object.hasOwn(found, name)) return readName(value, path)
    found = found[name]
  }
  return found
}

/** An own property of an object, or `undefined`. */
export function readName(value: unknown, name: string): unknown {
  return isRecord(value) && Object.hasOwn(value, name) ? value[name] : undefined
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function splitPath(path: string): string[] {
  return path.split(/(?<!\\)\./).map((name) => name.replaceAll('\\.', '.'))
}
