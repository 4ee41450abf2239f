/** The bytes of the heap after garbage collection. Needs `node --expose-gc`. */
export async function heap() {
  // Promises and weak maps release their values in a later turn.
  for (let i = 0; i < 4; i += 1) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
    globalThis.gc()
  }
  return process.memoryUsage().heapUsed
}

/** Not a real Request, since its memory would be measured too. */
export function makeRequest(path, fields) {
  const get = (name) => fields[name] ?? null
  return { method: 'GET', url: `http://api.example.test${path}`, headers: { get } }
}
