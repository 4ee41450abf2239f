import { writeFileSync } from 'node:fs'
import { COMMANDS } from '../../../src/cli/main.ts'
import { runLine } from '../../support/surroundings.ts'
import type { Explanation } from '../../../src/cli/explain/explanation.ts'

/** Runs `with-auth explain` about requests in this process. */
export function createExplain(inFolder: (name: string) => string) {
  const run = (auth: string, token: string, args: readonly string[] = [], server = '') => {
    const file = inFolder('run.yaml')
    writeFileSync(file, `server:\n${server}  auth:\n${auth.replace(/^(?=.)/gm, '    ')}\n`)
    const path = args.includes('--path') ? [] : ['--path', '/v1/models']
    return runLine(['explain', '--config', file, ...path, ...args], COMMANDS, {}, token)
  }
  /** The explanation of the first request, with the exit code. */
  const explain = async (...[auth, token, args = [], server]: Parameters<typeof run>) => {
    const { code: exit, printed, noted } = await run(auth, token, [...args, '--json'], server)
    if (printed === '') throw new Error(noted)
    const { requests } = JSON.parse(printed) as { readonly requests: readonly [Explanation] }
    return { ...requests[0], exit }
  }
  return { run, explain }
}
