import { execFileSync } from 'node:child_process'
import { expect, inject, it } from 'vitest'
import { BUN, DENO, NODES, locate } from './support/binaries.ts'

const PROGRAM = `
import { withAuth } from 'with-auth'
const secret = ['sk', 'secret'].join('-')
const guarded = withAuth(() => new Response('in'), {
  verifier: () => { throw new RangeError(secret) },
  onEvent: (event) => {
    console.log(event)
    console.log(JSON.stringify(event), { ...event })
    console.log('error is there:', event.error.message === secret)
  },
})
await guarded(new Request('http://h/', { headers: { authorization: 'Bearer t' } }))
`

const EVAL = [
  ...NODES.map((binary) => [binary, ['--input-type=module', '-e', PROGRAM]] as const),
  [BUN, ['-e', PROGRAM]] as const,
  [DENO, ['eval', PROGRAM]] as const,
]

it.each(EVAL.map(([binary, args]) => [binary.name, binary, args] as const))(
  'a log of an event on %s does not show its error, which may hold the token',
  (_name, binary, args) => {
    const options = { cwd: inject('app'), env: { NO_COLOR: '1' }, encoding: 'utf8' } as const
    const printed = execFileSync(locate(binary), args, options)
    expect(printed).toContain('internal_error')
    expect(printed).toContain('error is there: true')
    expect(printed).toContain('"cause":"RangeError"')
    expect(printed).not.toContain('sk-secret')
  },
)
