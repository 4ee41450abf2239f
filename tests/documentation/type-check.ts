import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from '../support/project.ts'

/** The platform of a code block, by the second word after its fence. `''` is any runtime with the web's globals. */
export const PLACES = {
  '': { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'], types: [] },
  node: { lib: ['lib.es2022.d.ts'], types: ['node'] },
  bun: { lib: ['lib.es2022.d.ts'], types: ['bun'] },
  // These types hold only the namespace `Deno`, without the web's globals.
  deno: { lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'], types: ['deno'] },
  workers: { lib: ['lib.es2022.d.ts'], types: ['@cloudflare/workers-types'] },
} as const satisfies Record<string, { lib: readonly string[]; types: readonly string[] }>

export type Place = keyof typeof PLACES

export function isPlace(word: string): word is Place {
  return Object.hasOwn(PLACES, word)
}

// A virtual folder in the package, so that imports resolve.
const BLOCK = join(ROOT, 'block.ts')
// Parses each library once for all programs.
const parsed = new Map<string, ts.SourceFile | undefined>()

/** Compiles a block as a separate program against `src`. Returns the errors. */
export function findTypeErrors(code: string, place: Place): string[] {
  const options = createOptions(place)
  const program = ts.createProgram([BLOCK], options, createHost(code, options))
  const diagnostics = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...program.getSyntacticDiagnostics(program.getSourceFile(BLOCK)),
    ...program.getSemanticDiagnostics(program.getSourceFile(BLOCK)),
  ]
  return diagnostics.map(describe)
}

function createOptions(place: Place): ts.CompilerOptions {
  const { lib, types } = PLACES[place]
  return {
    strict: true,
    noUnusedLocals: true,
    noEmit: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    moduleDetection: ts.ModuleDetectionKind.Force,
    allowImportingTsExtensions: true,
    lib: [...lib],
    types: [...types],
    paths: { 'with-auth': [join(ROOT, 'src/index.ts')], 'with-auth/*': [join(ROOT, 'src/*.ts')] },
  }
}

function createHost(code: string, options: ts.CompilerOptions): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  return {
    ...host,
    getCurrentDirectory: () => ROOT,
    fileExists: (file) => file === BLOCK || host.fileExists(file),
    readFile: (file) => (file === BLOCK ? code : host.readFile(file)),
    getSourceFile: (file, languageVersion) => {
      if (file === BLOCK) return ts.createSourceFile(file, code, languageVersion)
      if (!parsed.has(file)) parsed.set(file, host.getSourceFile(file, languageVersion))
      return parsed.get(file)
    },
  }
}

function describe({ file, start, messageText }: ts.Diagnostic): string {
  const message = ts.flattenDiagnosticMessageText(messageText, '\n')
  if (file === undefined || start === undefined) return message
  return `line ${file.getLineAndCharacterOfPosition(start).line + 1}: ${message}`
}
