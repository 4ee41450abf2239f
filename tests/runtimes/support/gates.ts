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
    /** Marks the gate as reached. */
    arrive: (name: string): void => find(name).arrived.give(),
    /** Resolves when the gate has been reached. */
    arrival: (name: string): Promise<void> => find(name).arrived.given,
    open: (name: string): void => find(name).opened.give(),
    /** Resolves when the gate has been opened. */
    passage: (name: string): Promise<void> => find(name).opened.given,
  }
}

function createGate() {
  return { arrived: createSignal(), opened: createSignal() }
}

function createSignal() {
  let give = (): void => undefined
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give }
}
