import { execFileSync } from 'node:child_process'
import { expect, inject, it } from 'vitest'
import { BUN, NODES, locate } from './support/binaries.ts'

// Two instances would not see each other's admitted requests, so both must give the same one.
const PROGRAM = `
const sameAsImported = (name) => import(name).then((imported) => require(name).default === imported.default &&
  Object.keys(imported).every((key) => require(name)[key] === imported[key]))
Promise.all(['with-auth', 'with-auth/access', 'with-auth/hono', 'with-auth/yaml'].map(sameAsImported)).then((same) => {
  const names = [...Object.keys(require('with-auth')), ...Object.keys(require('with-auth/hono')),
    ...Object.keys(require('with-auth/yaml'))]
  console.log(JSON.stringify({ same, names }))
})
`

for (const binary of [...NODES, BUN]) {
  it(`gives require() on ${binary.name} the same modules as import`, () => {
    const options = { cwd: inject('app'), env: {}, encoding: 'utf8' } as const
    const printed = execFileSync(locate(binary), ['-e', PROGRAM], options)
    expect(JSON.parse(printed)).toEqual({
      same: [true, true, true, true],
      names: [
        'AuthConfigError',
        'AuthUnavailableError',
        'createAuthenticator',
        'getAuth',
        'memoryCache',
        'withAuth',
        'access',
        'auth',
        'isAuthException',
        'resourceMetadata',
        'ConfigFileError',
        'loadConfig',
        'parseConfig',
        'watchConfig',
      ],
    })
  })
}
