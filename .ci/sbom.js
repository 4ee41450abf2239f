import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

// Prints the bill of materials (CycloneDX) of what users install, and of Hono, which is in the file of the console. npm makes it, of a copy without what only developers
// use: asked to leave that out, it also leaves out what both use. The folder gives the bill its name.

const read = (file) => JSON.parse(readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))

const { devDependencies, ...manifest } = read('package.json')
const lock = read('package-lock.json')
const { devDependencies: _, ...root } = lock.packages['']
const bundled = { hono: devDependencies.hono }
for (const { dependencies } of [manifest, root]) Object.assign(dependencies, bundled)
const used = Object.entries(lock.packages)
  .map(([path, { dev, ...locked }]) => [
    path,
    path === 'node_modules/hono' ? locked : { dev, ...locked },
  ])
  .filter(([path, { dev }]) => path !== '' && dev !== true)

const folder = mkdtempSync(join(tmpdir(), 'sbom-'))
const cwd = join(folder, manifest.name)
mkdirSync(cwd)
const write = (file, content) => writeFileSync(join(cwd, file), JSON.stringify(content))
write('package.json', manifest)
write('package-lock.json', { ...lock, packages: { '': root, ...Object.fromEntries(used) } })
const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=library']
process.stdout.write(execFileSync('npm', args, { cwd }))
rmSync(folder, { recursive: true })
