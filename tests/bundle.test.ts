import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import { expect, it } from 'vitest'
import { ROOT } from './support/project.ts'

/** The size of the code that a Worker loads if it imports a part of the package, minified and compressed. */

const SOURCE = join(ROOT, 'src/')

interface Bundle {
  /** The folders of `src` that it holds. */
  readonly rooms: ReadonlySet<string>
  readonly kilobytes: number
}

async function bundle(...names: readonly string[]): Promise<Bundle> {
  const entry = '\0entry'
  const made = await rolldown({
    cwd: ROOT,
    input: entry,
    platform: 'neutral',
    treeshake: { moduleSideEffects: false },
    plugins: [
      {
        name: 'entry',
        resolveId: (id) => (id === entry ? id : undefined),
        load: (id) =>
          id === entry ? `export { ${names.join()} } from '${SOURCE}index.ts'` : undefined,
      },
    ],
  })
  const { output } = await made.generate({ minify: true })
  const chunks = output.filter((part) => part.type === 'chunk')
  const ids = chunks.flatMap(({ moduleIds }) => moduleIds).filter((id) => id !== entry)
  const text = chunks.map(({ code }) => code).join('')
  return {
    rooms: new Set(ids.map((id) => id.replace(SOURCE, '').split('/')[0] ?? '')),
    kilobytes: gzipSync(text, { level: 9 }).byteLength / 1000,
  }
}

it('withAuth alone is the core, and nothing that a user has not imported', async () => {
  const { rooms, kilobytes } = await bundle('withAuth')
  expect(rooms).toEqual(new Set(['core']))
  expect(kilobytes).toBeLessThan(29.5)
})

it('withAuth with memoryCache is the core and the cache', async () => {
  const { rooms, kilobytes } = await bundle('withAuth', 'memoryCache')
  expect(rooms).toEqual(new Set(['core', 'memory']))
  expect(kilobytes).toBeLessThan(33)
})
