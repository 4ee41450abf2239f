import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from '../../tests/support/project.ts'
import { createSourceProgram } from './source-program.ts'

const FILES = [
  'src/core/auth-config.ts',
  'src/core/types.ts',
  'src/forward-auth.ts',
  'src/forward-auth/failure.ts',
  'src/gateway.ts',
  'src/gateway/refusal.ts',
  'src/jwt/jwt-options.ts',
  'src/keys/options.ts',
  'src/mcp/options.ts',
  'src/memory/options.ts',
  'src/redis/options.ts',
  'src/verifiers/first-of/options.ts',
  'src/verifiers/github/options.ts',
  'src/verifiers/introspection/options.ts',
  'src/verifiers/kubernetes/options.ts',
  'src/verifiers/tenancy.ts',
  'src/verifiers/upstream/options.ts',
].map((file) => join(ROOT, file))
const program = createSourceProgram(FILES, ['lib.es2022.d.ts'])
const checker = program.getTypeChecker()

/** The options of a type, including the options of its groups. */
export function readOptionsOfType(type: string) {
  const options = [...readDocumentation(type)].filter(([, { isOption }]) => isOption)
  return options.map(([name, { byDefault: defaultText }]) => ({ name, defaultText }))
}

/** The parts of an option's comment. */
interface Documentation {
  readonly text: string
  /** The type as in the source. */
  readonly type: string
  /** The text of its `@default` tag. */
  readonly byDefault: string | undefined
  readonly isRequired: boolean
  /** Whether it takes a value of its own. A group does only if it can be `false`. */
  readonly isOption: boolean
}

/** The documentation of each option and group of a type, by its full name, such as `context.path`. */
export function readDocumentation(type: string): ReadonlyMap<string, Documentation> {
  return new Map(documentationOf(typeNamed(type), ''))
}

function documentationOf(config: ts.Type, parent: string): [string, Documentation][] {
  return config.getProperties().flatMap((property) => {
    const name = `${parent}${property.name}`
    const declaration = property.valueDeclaration
    const nested = configIn(property)
    const written = declaration !== undefined && ts.isPropertySignature(declaration)
    const own: Documentation = {
      text: ts.displayPartsToString(property.getDocumentationComment(checker)).replace(/\s+/g, ' '),
      type: (written ? declaration.type?.getText() : undefined) ?? '',
      byDefault: defaultOf(property),
      isRequired: !(property.flags & ts.SymbolFlags.Optional),
      isOption: nested !== typeOf(property),
    }
    const below = nested === undefined ? [] : documentationOf(nested, `${name}.`)
    return [[name, own] as [string, Documentation], ...below]
  })
}

/** The members of a union of strings. */
export function readUnion(name: string): string[] {
  const type = typeNamed(name)
  const members = type.isUnion() ? type.types : [type]
  return members.map((member) => {
    if (member.isStringLiteral()) return member.value
    throw new Error(`${name} has a member that is not a string`)
  })
}

function defaultOf(property: ts.Symbol): string | undefined {
  const tag = property.getJsDocTags(checker).find((candidate) => candidate.name === 'default')
  return tag && ts.displayPartsToString(tag.text)
}

function typeOf(property: ts.Symbol): ts.Type {
  return checker.getNonNullableType(checker.getTypeOfSymbol(property))
}

/** The type of the group that an option is or can be. */
function configIn(property: ts.Symbol): ts.Type | undefined {
  const type = typeOf(property)
  return (type.isUnion() ? type.types : [type]).find(isConfig)
}

function isConfig(type: ts.Type): boolean {
  return type.getSymbol()?.name.endsWith('Config') ?? false
}

function typeNamed(name: string): ts.Type {
  const statements = FILES.flatMap((file) => [...(program.getSourceFile(file)?.statements ?? [])])
  const declaration = statements.find(
    (statement): statement is ts.InterfaceDeclaration | ts.TypeAliasDeclaration =>
      (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) &&
      statement.name.text === name,
  )
  if (declaration === undefined) throw new Error(`There is no type ${name}`)
  return checker.getTypeAtLocation(declaration)
}
