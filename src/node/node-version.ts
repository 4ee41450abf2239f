const OLDEST = [20, 19] as const

/** Says that this version of Node is too old, if it is. Bun and Deno tell a version of Node too, which says nothing about them. */
export function describeOldNode(): string | undefined {
  const { node, bun, deno } = process.versions
  const [major = 0, minor = 0] = node.split('.').map(Number)
  const isOld = major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])
  if (!isOld || bun !== undefined || deno !== undefined) return undefined
  return `with-auth needs Node ${OLDEST.join('.')} or later; this is ${node}`
}

/** Throws on a version of Node that is too old: the first function that it lacks would say less. */
export function requireNode(): void {
  // Other runtimes may have no process, or one without versions.
  const isNode = typeof process === 'object' && typeof process.versions?.node === 'string'
  const problem = isNode ? describeOldNode() : undefined
  if (problem !== undefined) throw new Error(problem)
}
