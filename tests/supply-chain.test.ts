import { execFileSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { readJson, readText, ROOT, sorted } from './support/project.ts'

/** The packages that are installed with with-auth, and those that build it. */

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

/** All folders with something to install. */
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

/** These licences ask for no more than a notice. */
const LICENCES = new Set(['MIT', 'ISC', '0BSD', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'])
const manifest = readJson<Manifest>('package.json')
const lockOf = (folder: string): Lock => readJson<Lock>(`${folder}package-lock.json`)

/** The packages of a lock, without the folder itself. */
function packagesOf(folder: string): [path: string, LockedPackage][] {
  return Object.entries(lockOf(folder).packages).filter(([path]) => path !== '')
}

function runtimePackages(): [path: string, LockedPackage][] {
  return packagesOf('').filter(([, { dev }]) => dev !== true)
}

describe('the packages that are installed with with-auth', () => {
  it('are its dependencies, and none of these has a dependency', () => {
    const names = runtimePackages().map(([path]) => path.replace('node_modules/', ''))
    expect(names).toEqual(sorted(Object.keys(manifest.dependencies ?? {})))
  })

  it('have no install script', () => {
    const own = INSTALL_SCRIPTS.filter((name) => manifest.scripts?.[name] !== undefined)
    const theirs = runtimePackages().filter(([, locked]) => locked.hasInstallScript)
    expect([...own, ...theirs]).toEqual([])
  })

  it('have licences that ask for no more than a notice', () => {
    const others = runtimePackages().filter(([, { license = '' }]) => !LICENCES.has(license))
    expect(others).toEqual([])
    expect(readText('LICENSE')).toContain('MIT License')
  })
})

it.each(FOLDERS)('the lock of %j pins each package to its hash in the registry', (folder) => {
  const others = packagesOf(folder).filter(
    ([, { integrity = '', resolved, link }]) =>
      !/^sha512-[\w+/]{86}==$/.test(integrity) || resolved !== undefined || link === true,
  )
  expect(others.map(([path]) => path)).toEqual([])
})

it('package.json names each development dependency with an install script, and switches it off', () => {
  const withScripts = packagesOf('')
    .filter(([, { hasInstallScript }]) => hasInstallScript)
    .map(([path]) => [path.replace('node_modules/', ''), false])
  expect(manifest.allowScripts).toEqual(Object.fromEntries(withScripts))
})

it(
  'the bill of materials lists each installed package with its hash, and Hono in the console',
  { tags: ['slow'] },
  () => {
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
    const bundled = packagesOf('').filter(([path]) => path === 'node_modules/hono')
    const installed = [...bundled, ...runtimePackages()].map(([path, { version, integrity }]) => ({
      name: path.replace('node_modules/', ''),
      version,
      integrity: [integrity],
      licences: 1,
    }))
    expect(listed).toEqual(installed)
  },
)
