import { ChildProcess } from 'node:child_process'
import { createRequire, syncBuiltinESMExports } from 'node:module'
import { format } from 'node:util'
import { textOf } from './shown.ts'

interface Printed {
  readonly stdout?: string | Uint8Array | null
  readonly stderr?: string | Uint8Array | null
}

interface Commands {
  spawnSync: (...args: unknown[]) => Printed
  execFileSync: (...args: unknown[]) => string | Uint8Array
}

/** srvx prints the target of each request, including tokens in the query. */
const ACCESS_LOG = /^\[[\d:]+ [AP]M\] [A-Z]+ http:\S+ \[\d{3}\] \([\d.]+ms\)$/gm

// A token may be split over two chunks.
const LONGEST_REST = 4096

/** Passes the output of this process and its children to `see`, from now on. */
export function watchOutput(see: (text: string) => void): void {
  watchConsole(see)
  watchStreams(see)
  watchCommands(see)
}

// The proxy also sees calls of a spy that a test assigns.
function watchConsole(see: (text: string) => void): void {
  const watched = new WeakMap<object, unknown>()
  const watch = (method: (...args: unknown[]) => unknown): unknown => {
    const known = watched.get(method)
    if (known !== undefined) return known
    const seen = new Proxy(method, {
      apply: (target, self, args: unknown[]) => {
        see(args.map(textOf).join(' ') + format(...args))
        return Reflect.apply(target, self, args)
      },
    })
    watched.set(method, seen)
    watched.set(seen, seen)
    return seen
  }
  globalThis.console = new Proxy(console, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? watch(value as () => unknown) : value
    },
  })
}

function watchStreams(see: (text: string) => void): void {
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write.bind(stream)
    stream.write = ((...args: Parameters<typeof write>) => {
      see(decode(args[0]))
      return write(...args)
    }) as typeof stream.write
  }
  // Reads a child's output before any other listener.
  const children = ChildProcess.prototype as unknown as { spawn: (options: object) => number }
  const { spawn } = children
  children.spawn = function launch(this: ChildProcess, options: object): number {
    const result = spawn.call(this, options)
    for (const stream of this.stdio) {
      if (stream === null || stream === undefined || !('push' in stream)) continue
      const push = stream.push.bind(stream)
      let line = ''
      stream.push = (chunk: Buffer | string | null, encoding?: BufferEncoding) => {
        const text = line + (chunk === null ? '' : decode(chunk))
        if (chunk !== null) see(text.replaceAll(ACCESS_LOG, ''))
        line = text.slice(text.lastIndexOf('\n') + 1).slice(-LONGEST_REST)
        return push(chunk, encoding)
      }
    }
    return result
  }
}

function watchCommands(see: (text: string) => void): void {
  const commands = createRequire(import.meta.url)('node:child_process') as Commands
  const { execFileSync, spawnSync } = commands
  commands.spawnSync = (...args) => seen(spawnSync(...args))
  commands.execFileSync = (...args) => {
    try {
      return seen({ stdout: execFileSync(...args) }).stdout
    } catch (error) {
      seen(error as Printed)
      throw error
    }
  }
  syncBuiltinESMExports()

  function seen<Result extends Printed>(result: Result): Result {
    for (const text of [result.stdout, result.stderr]) see(decode(text ?? ''))
    return result
  }
}

function decode(chunk: string | Uint8Array): string {
  return typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()
}
