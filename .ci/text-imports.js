import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { rolldown } from 'rolldown'

const [START, END] = ['\0text:', '.js']

/** Lets `import text from './page.css?text'` give the text of a file. A script is bundled for browsers first, with what it imports. */
export const textImports = {
  name: 'text-imports',
  enforce: 'pre',
  resolveId: (source, importer) =>
    source.endsWith('?text') && importer !== undefined
      ? `${START}${join(dirname(importer), source.slice(0, -'?text'.length))}${END}`
      : undefined,
  load: async (id) => {
    if (!id.startsWith(START)) return undefined
    const file = id.slice(START.length, -END.length)
    const text = file.endsWith('.ts') ? await bundle(file) : readFileSync(file, 'utf8')
    return `export default ${JSON.stringify(text)}`
  },
}

async function bundle(input) {
  const build = await rolldown({ input, platform: 'browser' })
  const { output } = await build.generate({ format: 'iife', comments: false })
  await build.close()
  return output[0].code
}
