export type Gates = ReturnType<typeof createGates>

/** Named points where one task waits until another one opens the gate. */
export function createGates() {
  const gates = new Map<string, ReturnType<typeof createGate>>()
  const find = (name: string): ReturnType<typeof createGate> => {
    const gate = gates.get(name) ?? createGate()
    gates.set(name, gate)
    return gate
  }
  return {
    open: (name: string): void => find(name).open(),
    /** Resolves when the gate has been opened. */
    passage: (name: string): Promise<void> => find(name).opened,
  }
}

function createGate() {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => {
    open = resolve
  })
  return { open, opened }
}
