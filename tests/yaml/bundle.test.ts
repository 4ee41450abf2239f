import { rolldown } from 'rolldown'
import { beforeAll, expect, it } from 'vitest'
import { ensureBuilt } from '../support/built-package.ts'
import { ROOT } from '../support/project.ts'

/** The built `with-auth/yaml` in a bundle for Workers, where @redis/client is not installed. */

beforeAll(ensureBuilt, 300_000)

async function bundleForWorkers() {
  const bundle = await rolldown({
    cwd: ROOT,
    input: 'worker',
    platform: 'neutral',
    external: /^(?:node:|yaml$|jose\/)/,
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
  return output.flatMap((part) => (part.type === 'chunk' ? [part] : []))
}

it('is bundled for Workers without @redis/client', { tags: ['slow'] }, async () => {
  const code = (await bundleForWorkers()).map((chunk) => chunk.code).join('')
  expect(code).toContain('parseConfig')
  expect(code).toContain('must be left out on Workers')
  expect(code).not.toContain('@redis/client"')
})

it(
  'loads jose with the first provider that needs it, and never a module of Node',
  { tags: ['slow'] },
  async () => {
    const chunks = await bundleForWorkers()
    const loaded = new Set<string>()
    const load = (name: string): void => {
      if (loaded.has(name)) return
      loaded.add(name)
      chunks.find(({ fileName }) => fileName === name)?.imports.forEach(load)
    }
    chunks.filter(({ isEntry }) => isEntry).forEach(({ fileName }) => load(fileName))
    expect([...loaded].filter((name) => name.startsWith('jose'))).toEqual([])
    expect(
      chunks.flatMap(({ imports }) => imports).filter((name) => name.startsWith('jose')),
    ).not.toEqual([])
    const all = chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports])
    expect(all.filter((name) => name.startsWith('node:'))).toEqual([])
  },
)
