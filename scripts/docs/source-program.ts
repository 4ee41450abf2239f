import ts from 'typescript'

/**
 * Makes a program of files of `src`. It reads no types of packages: no documentation stands there, and reading them takes seconds.
 *
 * @param lib The libraries whose types the reader needs.
 */
export function createSourceProgram(files: readonly string[], lib: readonly string[]): ts.Program {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    types: [],
    allowImportingTsExtensions: true,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    target: ts.ScriptTarget.ES2022,
    ...(lib.length === 0 ? { noLib: true } : { lib: [...lib] }),
  }
  const host = ts.createCompilerHost(options)
  const resolve = (name: string, from: string): ts.ResolvedModuleWithFailedLookupLocations =>
    name.startsWith('.')
      ? ts.resolveModuleName(name, from, options, host)
      : { resolvedModule: undefined }
  return ts.createProgram([...files], options, {
    ...host,
    resolveModuleNameLiterals: (names, from) => names.map(({ text }) => resolve(text, from)),
  })
}
