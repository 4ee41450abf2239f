import { mkdir, open, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { nearestName } from '../../core/config/option-checks.ts'
import { reasonOf } from '../../files/system.ts'
import { rejectOperands } from '../command-line.ts'
import { UsageError } from '../errors.ts'
import { BY_DEFAULT, nameOf, TEMPLATES } from '../init/templates.ts'
import { drawTable } from '../key-table.ts'
import { showValue } from '../shown-value.ts'
import { EXIT, PACKAGE } from '../surroundings.ts'
import type { FileHandle } from 'node:fs/promises'
import type { Command, CommandLine } from '../command-line.ts'
import type { Template } from '../init/templates.ts'
import type { Surroundings } from '../surroundings.ts'

const DOCS = 'https://github.com/OWNER/with-auth/blob/main/docs'

export const initCommand: Command = {
  name: 'init',
  usage: '[--for NAME | --list]',
  summary: 'write a commented run.yaml, or other files to begin with, into this folder',
  details: `It never overwrites a file. Alone, it writes a run.yaml with the auth endpoint that "with-auth endpoint" serves on this machine. With --for it writes the files that a page of the documentation shows, and names the page.`,
  examples: ['with-auth init', 'with-auth init --for keycloak'],
  options: {
    for: { value: 'NAME', help: 'what the files are for, such as keycloak' },
    list: { help: 'list the names, and write nothing' },
  },
  run,
}

async function run(line: CommandLine, { print }: Surroundings): Promise<number> {
  rejectOperands(line)
  const json = line.has('json')
  if (line.has('list')) {
    print(json ? `${JSON.stringify({ templates: listTemplates() })}\n` : describeTemplates())
    return EXIT.ok
  }
  const wanted = line.text('for')
  const template = findTemplate(wanted ?? BY_DEFAULT)
  const files = template.files.map(nameOf)
  await writeNewFiles(await Promise.all(template.files.map((file) => read(file, template))))
  const written = wanted === undefined ? { file: files[0] } : { files }
  print(json ? `${JSON.stringify(written)}\n` : describeWritten(files, template, wanted))
  return EXIT.ok
}

function findTemplate(name: string): Template {
  const found = TEMPLATES.get(name)
  if (found !== undefined) return found
  const nearest = nearestName(name, [...TEMPLATES.keys()])
  const hint =
    nearest === undefined ? '"with-auth init --list" has all names' : `did you mean ${nearest}?`
  throw new UsageError(`--for has no files for ${showValue(name)}: ${hint}`)
}

function listTemplates(): readonly object[] {
  return [...TEMPLATES].map(([name, { summary, page, files }]) => {
    return { name, summary, page: urlOf(page), files: files.map(nameOf) }
  })
}

function describeTemplates(): string {
  const rows = [...TEMPLATES].map(([name, { summary, files }]) => {
    return [name, summary, files.map(nameOf).join(' ')]
  })
  return drawTable([['NAME', 'FOR', 'FILES'], ...rows])
}

/** The name and the text of a new file. Pages show configs without the comments at the start. */
async function read(file: string, { page }: Template): Promise<readonly [string, string]> {
  const text = await readFile(new URL(`examples/${file}`, PACKAGE), 'utf8')
  if (!isConfig(file)) return [nameOf(file), text]
  const comments = [
    'yaml-language-server: $schema=./node_modules/with-auth/schema.json',
    `All keys: ${urlOf('yaml')}`,
    ...(page === 'yaml' ? [] : [`This file: ${urlOf(page)}`]),
  ]
  return [nameOf(file), comments.map((comment) => `# ${comment}\n`).join('') + text]
}

function isConfig(file: string): boolean {
  return /\/(?:run|gateway)\.yaml$/.test(file)
}

function urlOf(page: string): string {
  return `${DOCS}/${page}.md`
}

/** Writes all files, or none. */
async function writeNewFiles(texts: readonly (readonly [string, string])[]): Promise<void> {
  const written: string[] = []
  for (const [name, text] of texts) {
    /* oxlint-disable no-await-in-loop -- nothing is written after a failure */
    try {
      await mkdir(dirname(name), { recursive: true })
      // `wx` fails for a link as well, so no file elsewhere is written.
      const handle = await open(name, 'wx')
      written.push(name)
      await fill(handle, text)
    } catch (cause) {
      // Half a config could leave out what restricts.
      await Promise.all(written.map((one) => rm(one, { force: true })))
      throw new Error(explain(name, reasonOf(cause)), { cause })
    }
    /* oxlint-enable no-await-in-loop */
  }
}

async function fill(handle: FileHandle, text: string): Promise<void> {
  try {
    await handle.writeFile(text)
  } finally {
    await handle.close()
  }
}

function explain(file: string, reason: string): string {
  return reason === 'EEXIST'
    ? `${file} exists already, and stays as it is: move it away, or edit it`
    : `Cannot write ${file}: ${reason}`
}

function describeWritten(names: readonly string[], template: Template, wanted?: string): string {
  const [config] = template.files.filter(isConfig).map(nameOf)
  const wrote = `Wrote ${names.join(', ')}.`
  const page = `See ${urlOf(template.page)}\n`
  if (config === undefined) return `${wrote} ${page}`
  // The endpoint of the plain file is not served yet.
  const check = wanted === undefined ? 'config' : 'check --config'
  const use = `${wrote} Edit it, then check and use it:

  npx with-auth ${check} ${config}
  npx with-auth gateway --config ${config} --upstream http://127.0.0.1:8000
`
  return `${use}\n${wanted === undefined ? NEXT : page}`
}

const NEXT = `No auth endpoint yet? Create a key, and serve it in another terminal:

  npx with-auth keys create --keys keys.yaml --principal alice > key.txt
  npx with-auth endpoint --keys keys.yaml
`
