import { rolldown } from 'rolldown'
import { beforeAll, expect, it } from 'vitest'
import { ensureBuilt } from '../support/built-package.ts'
import { ROOT } from '../support/project.ts'

/** The built `with-auth/yaml` in a bundle for Workers, where @redis/client is not installed. */

beforeAll(ensureBuilt, 300_000)

it('is bundled for Workers without @redis/client', { tags: ['slow'] }, async () => {
  const bundle = await rolldown({
    cwd: ROOT,
    input: 'worker',
    platform: 'neutral',
    external: /^(?:node:|yaml$)/,
    resolve: { conditionNames: ['workerd', 'import', 'default'] },
    plugins: [
      {
        name: 'worker',
        resolveId: (source) => (source === 'worker' ? `${ROOT}/worker.js` : undefined),
        load: (id) =>
          id === `${ROOT}/worker.js`
            ? "export { loadConfig, parseConfig } from 'with-auth/yaml'"
            : undefined,
      },
    ],
  })
  const { output } = await bundle.generate()
  await bundle.close()
  const code = output.map((part) => (part.type === 'chunk' ? part.code : '')).join('')
  expect(code).toContain('parseConfig')
  expect(code).toContain('must be left out on Workers')
  expect(code).not.toContain('@redis/client"')
})
