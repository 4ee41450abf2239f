import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { exists, readJson, readText, ROOT, sorted } from './support/project.ts'

/** What is installed with the package, and what it is built with. */

interface Manifest {
  readonly name: string
  readonly version: string
  readonly scripts?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

interface LockedPackage extends Manifest {
  readonly resolved?: string
  readonly integrity?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly hasInstallScript?: boolean
}

interface Lock {
  readonly lockfileVersion: number
  readonly packages: Readonly<Record<string, LockedPackage>>
}

interface Bill {
  readonly bomFormat: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly {
    readonly name: string
    readonly version: string
    readonly hashes: readonly { readonly alg: string; readonly content: string }[]
    readonly licenses: readonly unknown[]
  }[]
}

/** All that have something to install. */
const FOLDERS = execFileSync('git', ['ls-files', 'package.json', '*/package.json'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .map((file) => file.replace(/package\.json$/, ''))
  .filter((folder) => {
    const { dependencies, devDependencies } = readJson<Manifest>(`${folder}package.json`)
    return dependencies !== undefined || devDependencies !== undefined
  })
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish']

/** What may be asked of those who install the package: to keep a notice. */
const LICENCES = ['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0']
/** What may be asked of those who build and test it, and hand none of it on. */
const LICENCES_OF_TOOLS = [
  ...LICENCES,
  'MPL-2.0',
  'BlueOak-1.0.0',
  'CC-BY-4.0',
  '(MIT OR CC0-1.0)',
  'MIT OR Apache-2.0',
]
/** What frameworks bring along, which the examples are served by. */
const LICENCES_OF_EXAMPLES = [
  ...LICENCES_OF_TOOLS,
  'LGPL-3.0-or-later',
  'Apache-2.0 AND LGPL-3.0-or-later',
  'Apache-2.0 AND LGPL-3.0-or-later AND MIT',
  'Python-2.0',
  'CC0-1.0',
  'Unlicense',
]

const manifest = readJson<Manifest>('package.json')
const lockOf = (folder: string): Lock => readJson<Lock>(`${folder}package-lock.json`)

/** What a lock holds, less the folder itself. */
function packagesOf(folder: string): [path: string, LockedPackage][] {
  return Object.entries(lockOf(folder).packages).filter(([path]) => path !== '')
}

function runtimePackages(): [path: string, LockedPackage][] {
  return packagesOf('').filter(([, { dev }]) => dev !== true)
}

describe('what is installed with the package', () => {
  it('is its dependencies, and nothing that they depend on', () => {
    const names = runtimePackages().map(([path]) => path.replace('node_modules/', ''))
    expect(names).toEqual(sorted(Object.keys(manifest.dependencies ?? {})))
  })

  it('runs no script', () => {
    const own = INSTALL_SCRIPTS.filter((name) => manifest.scripts?.[name] !== undefined)
    const theirs = runtimePackages().filter(([, locked]) => locked.hasInstallScript)
    expect([...own, ...theirs]).toEqual([])
  })

  it('has licences that ask for no more than a notice', () => {
    const others = runtimePackages().filter(([, { license = '' }]) => !LICENCES.includes(license))
    expect(others).toEqual([])
    expect(readText('LICENSE')).toContain('MIT License')
  })
})

describe.each(FOLDERS)('the lock of %j', (folder) => {
  it('is there for every package.json of the project', () => {
    expect(exists(`${folder}package-lock.json`)).toBe(true)
    expect(lockOf(folder).lockfileVersion).toBe(3)
  })

  it('pins each package to its bytes', () => {
    const unpinned = packagesOf(folder)
      .filter(([, { integrity = '' }]) => !/^sha512-[\w+/]{86}==$/.test(integrity))
      .map(([path]) => path)
    expect(unpinned).toEqual([])
  })

  it('takes them from the registry alone: no address, no link, no repository', () => {
    const elsewhere = packagesOf(folder)
      .filter(([, { resolved, link }]) => resolved !== undefined || link === true)
      .map(([path]) => path)
    expect(elsewhere).toEqual([])
  })

  it('is in step with its package.json', () => {
    const { dependencies, devDependencies } = readJson<Manifest>(`${folder}package.json`)
    const root = lockOf(folder).packages['']
    expect(root?.dependencies).toEqual(dependencies)
    expect(root?.devDependencies).toEqual(devDependencies)
  })

  it('holds tools of one version each, under licences that were looked at', () => {
    const { dependencies = {}, devDependencies = {} } = readJson<Manifest>(`${folder}package.json`)
    const tools = folder === '' ? devDependencies : { ...dependencies, ...devDependencies }
    const ranges = Object.values(tools).filter((range) => !/^(?:npm:.+@)?\d+\.\d+\.\d+/.test(range))
    expect(ranges).toEqual([])
    const allowed = folder === 'examples/' ? LICENCES_OF_EXAMPLES : LICENCES_OF_TOOLS
    const others = packagesOf(folder).filter(([, { license = '' }]) => !allowed.includes(license))
    expect(others.map(([path, { license }]) => `${path}: ${license}`)).toEqual([])
  })
})

it('no package of the root has an install script that is not switched off by name', () => {
  const withScripts = packagesOf('')
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => [path.replace('node_modules/', ''), false])
  expect(manifest.allowScripts).toEqual(Object.fromEntries(withScripts))
})

it('the bill of materials names what is installed, by its hash', { timeout: 60_000 }, () => {
  const bill = JSON.parse(
    execFileSync(process.execPath, ['.ci/sbom.js'], { cwd: ROOT, encoding: 'utf8' }),
  ) as Bill
  expect(bill.bomFormat).toBe('CycloneDX')
  expect(bill.metadata.component).toMatchObject({ name: 'with-auth', version: manifest.version })
  const listed = bill.components.map(({ name, version, hashes, licenses }) => ({
    name,
    version,
    integrity: hashes.map(({ alg, content }) =>
      alg === 'SHA-512' ? `sha512-${Buffer.from(content, 'hex').toString('base64')}` : alg,
    ),
    licences: licenses.length,
  }))
  const installed = runtimePackages().map(([path, { version, integrity }]) => ({
    name: path.replace('node_modules/', ''),
    version,
    integrity: [integrity],
    licences: 1,
  }))
  expect(listed).toEqual(installed)
})
