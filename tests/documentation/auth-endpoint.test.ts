import { execFileSync } from 'node:child_process'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { examine } from '../../src/cli/conformance/examine.ts'
import { whyMissing } from '../support/installed.ts'
import { findFreePort } from '../support/loopback.ts'
import { readFences } from '../support/markdown.ts'
import { readText, ROOT } from '../support/project.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { SpawnedProgram } from '../support/spawned-program.ts'

/** The endpoints of docs/auth-endpoint.md and of examples/auth-endpoint, served as they say, pass `with-auth check`. */

const KEY = 'demo-key'
const PORT = 9000
const fences = readFences(readText('docs/auth-endpoint.md'))
const pathOf = setupFolder()

// Compiling Go's standard library takes a minute.
const SERVE = { tags: ['slow'], timeout: 300_000 }

// Debian's, since its packages are there.
const PYTHON = '/usr/bin/python3'
const noPython = whyMissing([PYTHON, '-c', 'import fastapi, uvicorn'], 'python3-fastapi uvicorn')
const noGo = whyMissing(['go', 'version'], 'golang-go')

describe('the endpoint of docs/auth-endpoint.md', () => {
  it('in TypeScript passes `with-auth check`', SERVE, async () => {
    const file = save('endpoint.mjs', fences.find(({ language }) => language === 'ts')?.code ?? '')
    symlinkSync(join(ROOT, 'node_modules'), pathOf('node_modules'), 'junction')
    const srvx = join(ROOT, 'node_modules/srvx/bin/srvx.mjs')
    const failed = await failedChecks((port) =>
      start(process.execPath, [srvx, '--host', '127.0.0.1', '--port', `${port}`, file]),
    )
    expect(failed).toEqual([])
  })

  it('in Python passes `with-auth check`', SERVE, async ({ skip }) => {
    skip(noPython !== undefined, noPython)
    save('endpoint.py', example('endpoint.py'))
    expect(await failedChecks(startPython)).toEqual([])
  })

  it(
    'in Python repeats no key in the 422 for a question that is not valid',
    SERVE,
    async ({ skip }) => {
      skip(noPython !== undefined, noPython)
      save('endpoint.py', example('endpoint.py'))
      const headers = { 'content-type': 'application/json' }
      const bodies = [
        { api_key: KEY },
        { api_key: { [KEY]: KEY } },
        [KEY],
        { api_key: [KEY], request: {} },
      ]
      const answers = await served(startPython, (url) =>
        Promise.all(
          bodies.map(async (body) => {
            const asked = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
            return [asked.status, await asked.text()]
          }),
        ),
      )
      expect(answers).toEqual(bodies.map(() => [422, '{"detail":"not a valid question"}']))
    },
  )

  it('in Go passes `with-auth check`', SERVE, async ({ skip }) => {
    skip(noGo !== undefined, noGo)
    const failed = await failedChecks((port) => {
      const source = save('endpoint.go', example('endpoint.go').replace(`:${PORT}`, `:${port}`))
      // `go run` would leave the program running when it is stopped.
      execFileSync('go', ['build', '-o', pathOf('endpoint'), source])
      return start(pathOf('endpoint'), [])
    })
    expect(failed).toEqual([])
  })
})

function example(name: string): string {
  return readText(`examples/auth-endpoint/${name}`)
}

/** Writes a program into the folder of the test. Returns its path. */
function save(name: string, code: string): string {
  writeFileSync(pathOf(name), code)
  return pathOf(name)
}

function start(command: string, args: readonly string[]): SpawnedProgram {
  return spawnProgram(command, args, { cwd: pathOf('') })
}

function startPython(port: number): SpawnedProgram {
  return start(PYTHON, ['-m', 'uvicorn', 'endpoint:app', '--port', `${port}`])
}

type Serve = (port: number) => SpawnedProgram

function failedChecks(serve: Serve): Promise<unknown[]> {
  return served(serve, async (url, program) => {
    const rows = await examine({ url, headers: {}, timeoutMs: 5000 }, KEY)
    return rows.filter(({ result }) => result !== 'ok').map((row) => [row, program.stderr()])
  })
}

/** Calls the endpoint while it runs. */
async function served<Result>(
  serve: Serve,
  call: (url: string, program: SpawnedProgram) => Promise<Result>,
): Promise<Result> {
  const port = await findFreePort()
  const program = serve(port)
  try {
    await untilListening(port, program)
    return await call(`http://127.0.0.1:${port}/validate`, program)
  } finally {
    program.kill('SIGTERM')
    await program.ended
  }
}

async function untilListening(port: number, program: SpawnedProgram): Promise<void> {
  const ending = new AbortController()
  void program.ended.then(() => ending.abort())
  const isListening = (): Promise<boolean> =>
    fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    )
  while (!ending.signal.aborted && !(await isListening())) await sleep(100)
}
