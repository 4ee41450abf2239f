import { writeFileSync } from 'node:fs'
import { COMMANDS } from '../../../src/cli/main.ts'
import { runLine } from '../../support/surroundings.ts'

/** Runs `with-auth check --config` about a `server.auth` in this process. Its first key is in line 3. */
export function createCheck(inFolder: (name: string) => string) {
  return (auth: string, args: readonly string[] = [], env: Record<string, string> = {}) => {
    const file = inFolder('run.yaml')
    writeFileSync(file, `server:\n  auth:\n${auth.replace(/^(?=.)/gm, '    ')}\n`)
    return runLine(['check', '--config', file, ...args], COMMANDS, env)
  }
}
