import { vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { createSurroundings } from './surroundings.ts'
import type { Command } from '../../src/cli/command-line.ts'
import type { RecordedSurroundings } from './surroundings.ts'

interface ServedCommand extends RecordedSurroundings {
  readonly ended: Promise<number>
  /** The URL when the command listens. Rejects with what it said if it ends before. */
  readonly listening: () => Promise<string>
  /** The lines of the log, of one type or of all. */
  readonly logged: (type?: string) => Record<string, unknown>[]
}

let running: (() => Promise<unknown>)[] = []

/** Runs a serving command in this process, on a free port. */
export function serveCommand(
  command: Command,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ServedCommand {
  const surroundings = createSurroundings(env)
  const line = [...command.name.split(' '), ...args, '--port=0']
  const ended = main(line, [command], surroundings)
  running.push(() => {
    surroundings.signal('SIGINT')
    return ended
  })
  let hasEnded = false
  void ended.then(() => (hasEnded = true))
  const listens = (): boolean => surroundings.printed().includes('"listening"')
  const logged = (type?: string): Record<string, unknown>[] =>
    surroundings
      .printed()
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>)
      .filter((entry) => type === undefined || entry['type'] === type)
  const listening = async (): Promise<string> => {
    // A wait that goes on after its test would set the fake clock of the next one forward.
    await vi.waitUntil(() => hasEnded || listens(), { timeout: 15_000, interval: 10 })
    if (!listens()) throw new Error(surroundings.noted())
    return String(logged('listening')[0]?.['url'])
  }
  return { ...surroundings, ended, listening, logged }
}

/** Stops all commands that `serveCommand` started. */
export async function stopCommands(): Promise<void> {
  const stops = running
  running = []
  await Promise.all(stops.map((stop) => stop()))
}
