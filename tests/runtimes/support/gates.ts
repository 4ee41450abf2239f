/** Named points where one task waits until another one opens the gate. */
export interface Gates {
  /** Marks the gate as reached. */
  readonly arrive: (name: string) => void
  /** Resolves when the gate has been reached. */
  readonly arrival: (name: string) => Promise<void>
  readonly open: (name: string) => void
  /** Resolves when the gate has been opened. */
  readonly passage: (name: string) => Promise<void>
}

interface Gate {
  readonly arrived: Signal
  readonly opened: Signal
}

interface Signal {
  readonly given: Promise<void>
  readonly give: () => void
}

export function createGates(): Gates {
  const gates = new Map<string, Gate>()
  const find = (name: string): Gate => {
    const gate = gates.get(name) ?? { arrived: createSignal(), opened: createSignal() }
    gates.set(name, gate)
    return gate
  }
  return {
    arrive: (name) => find(name).arrived.give(),
    arrival: (name) => find(name).arrived.given,
    open: (name) => find(name).opened.give(),
    passage: (name) => find(name).opened.given,
  }
}

function createSignal(): Signal {
  let give = (): void => undefined
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give }
}
