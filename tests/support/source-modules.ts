import { join, posix } from 'node:path'
import ts from 'typescript'
import { listFiles, readText, ROOT } from './project.ts'

/** One module of `src`. */
export interface SourceModule {
  /** Relative to `src`, such as `core/request/target.ts`. */
  readonly file: string
  readonly text: string
  /** Its imports and re-exports, types included: paths relative to `src`, or package specifiers. */
  readonly imports: readonly string[]
}

export const MODULES: readonly SourceModule[] = listFiles(join(ROOT, 'src')).map((file) =>
  createModule(file, readText(`src/${file}`)),
)

function createModule(file: string, text: string): SourceModule {
  const imports = ts
    .preProcessFile(text)
    .importedFiles.map(({ fileName }) => resolveImport(file, fileName))
  return { file, text, imports }
}

/** The files of an import cycle (first and last are the same), or `undefined`. */
export function findCycle(
  modules: readonly Pick<SourceModule, 'file' | 'imports'>[],
): string[] | undefined {
  const imports = new Map(modules.map((module) => [module.file, module.imports]))
  const finished = new Set<string>()
  const visit = (file: string, trail: string[]): string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file]
    if (finished.has(file)) return undefined
    for (const next of imports.get(file) ?? []) {
      const cycle = visit(next, [...trail, file])
      if (cycle !== undefined) return cycle
    }
    finished.add(file)
    return undefined
  }
  for (const { file } of modules) {
    const cycle = visit(file, [])
    if (cycle !== undefined) return cycle
  }
  return undefined
}

function resolveImport(file: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier
  return posix.join(posix.dirname(file), specifier)
}
