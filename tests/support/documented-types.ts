import { join } from 'node:path'
import ts from 'typescript'
import { ROOT } from './project.ts'

/** An option as its type documents it. */
export interface DocumentedOption {
  /** With its parent, such as `context.path`. */
  readonly name: string
  /** The text of its `@default` tag. */
  readonly defaultText: string | undefined
}

const FILE = join(ROOT, 'src/core/types.ts')
const program = ts.createProgram([FILE], {
  strict: true,
  noEmit: true,
  types: [],
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
})
const checker = program.getTypeChecker()

/** The options of `AuthConfig`; in place of an option that is a config itself, the options of that. */
export function readOptionsOfType(): DocumentedOption[] {
  return optionsOf(typeNamed('AuthConfig'), '')
}

/** The members of a union of strings. */
export function readUnion(name: string): string[] {
  const type = typeNamed(name)
  const members = type.isUnion() ? type.types : [type]
  return members.map((member) => {
    if (member.isStringLiteral()) return member.value
    throw new Error(`${name} has a member that is no string`)
  })
}

function optionsOf(config: ts.Type, parent: string): DocumentedOption[] {
  return config.getProperties().flatMap((property) => {
    const name = `${parent}${property.name}`
    const type = checker.getNonNullableType(checker.getTypeOfSymbol(property))
    if (type.getSymbol()?.name.endsWith('Config') ?? false) return optionsOf(type, `${name}.`)
    const tag = property.getJsDocTags(checker).find((candidate) => candidate.name === 'default')
    return [{ name, defaultText: tag && ts.displayPartsToString(tag.text) }]
  })
}

function typeNamed(name: string): ts.Type {
  const source = program.getSourceFile(FILE)
  const declaration = source?.statements.find(
    (statement): statement is ts.InterfaceDeclaration | ts.TypeAliasDeclaration =>
      (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) &&
      statement.name.text === name,
  )
  if (declaration === undefined) throw new Error(`There is no type ${name} in ${FILE}`)
  return checker.getTypeAtLocation(declaration)
}
