import { BUN, DENO, NODES } from '../support/binaries.ts'
import type { Binary } from '../support/binaries.ts'

/** The runtimes of the gateway command, with the arguments before it. */
export const GATEWAYS: readonly { readonly binary: Binary; readonly args: readonly string[] }[] = [
  ...NODES.map((binary) => ({ binary, args: [] })),
  { binary: BUN, args: ['--bun'] },
  { binary: DENO, args: ['run', '--no-prompt', '--allow-read', '--allow-net', '--allow-env'] },
]
