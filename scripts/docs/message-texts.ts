import { join } from 'node:path'
import ts from 'typescript'
import { listFiles, ROOT } from '../../tests/support/project.ts'
import { createSourceProgram } from './source-program.ts'

/** The texts that an expression of `src` can have, with a name in `<angle brackets>` for what the code fills in. */

export const SRC = join(ROOT, 'src')
const files = listFiles(SRC).map((file) => join(SRC, file))
const program = createSourceProgram(files, [])
const checker = program.getTypeChecker()
export const sources = files.flatMap((file) => program.getSourceFile(file) ?? [])

export type Env = ReadonlyMap<ts.Symbol, ts.Expression>
export const NO_ENV: Env = new Map()

const MOST = 60

export const HOLE = /^<[^<>]*>$/

/** The texts that are a part of the one that is being expanded. */
let parts: ts.Node[] = []

/** The texts of an expression, and the nodes that they are made of. */
export function textsOf(
  node: ts.Expression,
  envs: readonly Env[] = [NO_ENV],
): { readonly texts: readonly string[]; readonly parts: readonly ts.Node[] } {
  parts = []
  const texts = envs.flatMap((env) => expand(node, env, 0))
  return { texts, parts: parts.filter((part) => part !== node) }
}

const calls = new Map<ts.Symbol, ts.CallExpression[]>()

function symbolOf(node: ts.Node): ts.Symbol | undefined {
  const symbol = checker.getSymbolAtLocation(node)
  const isAlias = symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0
  return isAlias ? checker.getAliasedSymbol(symbol) : symbol
}

export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node)
  node.forEachChild((child) => walk(child, visit))
}

/** All texts that an expression can have. */
function expand(node: ts.Expression, env: Env, depth: number): string[] {
  if (depth > 6) return [hole(node)]
  if (ts.isStringLiteralLike(node)) {
    parts.push(node)
    return [node.text]
  }
  if (ts.isTemplateExpression(node)) {
    parts.push(node)
    return node.templateSpans.reduce(
      (starts, { expression, literal }) =>
        join2(starts, expand(expression, env, depth + 1), hole(expression)).map(
          (text) => text + literal.text,
        ),
      [node.head.text],
    )
  }
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken) {
    parts.push(node)
    return join2(
      expand(node.left, env, depth + 1),
      expand(node.right, env, depth + 1),
      hole(node.right),
    )
  }
  if (ts.isConditionalExpression(node)) {
    return [...expand(node.whenTrue, env, depth + 1), ...expand(node.whenFalse, env, depth + 1)]
  }
  if (ts.isParenthesizedExpression(node) || ts.isAsExpression(node))
    return expand(node.expression, env, depth)
  const number = numberOf(node)
  if (number !== undefined) return [number.toLocaleString('en')]
  if (ts.isIdentifier(node)) return node.text === 'undefined' ? [] : expandName(node, env, depth)
  if (ts.isElementAccessExpression(node)) {
    const texts = valuesOf(node.expression).flatMap((value) => expand(value, env, depth + 1))
    return texts.length === 0 ? [hole(node)] : known(texts, node)
  }
  if (ts.isCallExpression(node)) return expandCall(node, env, depth)
  return [hole(node)]
}

function numberOf(node: ts.Expression): number | undefined {
  if (ts.isNumericLiteral(node)) return Number(node.text.replaceAll('_', ''))
  if (!ts.isBinaryExpression(node)) return undefined
  const [left, right] = [numberOf(node.left), numberOf(node.right)]
  if (left === undefined || right === undefined) return undefined
  if (node.operatorToken.kind === ts.SyntaxKind.AsteriskAsteriskToken) return left ** right
  return node.operatorToken.kind === ts.SyntaxKind.AsteriskToken ? left * right : undefined
}

/** The values of a constant object, such as a table of sentences. */
function valuesOf(node: ts.Expression): ts.Expression[] {
  const declaration = symbolOf(node)?.valueDeclaration
  const initializer =
    declaration !== undefined && ts.isVariableDeclaration(declaration)
      ? declaration.initializer
      : undefined
  if (initializer === undefined || !ts.isObjectLiteralExpression(initializer)) return []
  return initializer.properties.flatMap((property) =>
    ts.isPropertyAssignment(property) ? [property.initializer] : [],
  )
}

function join2(starts: string[], ends: string[], otherwise: string): string[] {
  const isKnown = ends.length > 0 && starts.length * ends.length <= MOST
  return starts.flatMap((start) => (isKnown ? ends : [otherwise]).map((end) => start + end))
}

function expandName(node: ts.Identifier, env: Env, depth: number): string[] {
  const symbol = symbolOf(node)
  if (symbol === undefined) return [hole(node)]
  const given = env.get(symbol)
  if (given !== undefined) return known(expand(given, NO_ENV, depth + 1), node)
  const declaration = symbol.valueDeclaration
  if (declaration === undefined || !ts.isVariableDeclaration(declaration)) return [hole(node)]
  const { initializer } = declaration
  const isConst = (ts.getCombinedNodeFlags(declaration) & ts.NodeFlags.Const) !== 0
  return initializer === undefined || !isConst
    ? [hole(node)]
    : known(expand(initializer, env, depth + 1), node)
}

/** Expansions say more than a name only if they have words. */
function known(texts: string[], node: ts.Node): string[] {
  return texts.every((text) => HOLE.test(text)) ? [hole(node)] : texts
}

function expandCall(node: ts.CallExpression, env: Env, depth: number): string[] {
  const called = symbolOf(node.expression)
  const rows = tablesOf(called).flatMap(valuesOf).filter(isShortFunction)
  if (rows.length > 0) return rows.flatMap(({ body }) => expand(body, env, depth + 1))
  const declaration = functionOf(called)
  const body = declaration?.body
  if (declaration === undefined || body === undefined) return [hole(node)]
  const inner = new Map([...argumentsOf(declaration, node), ...env])
  const partsBefore = parts.length
  const results = ts.isBlock(body) ? returnsOf(body) : [body]
  const texts =
    results.length > 4 ? [] : results.flatMap((result) => expand(result, inner, depth + 1))
  // What is only sometimes a text of ours has no texts to list.
  if (texts.length > 0 && !texts.some((text) => HOLE.test(text))) return texts
  parts.length = partsBefore
  return [hole(node)]
}

interface ShortFunction extends ts.ArrowFunction {
  readonly body: ts.Expression
}

function isShortFunction(node: ts.Expression): node is ShortFunction {
  return ts.isArrowFunction(node) && !ts.isBlock(node.body)
}

function argumentsOf(fn: Fn, call: ts.CallExpression): [ts.Symbol, ts.Expression][] {
  return fn.parameters.flatMap((parameter, index): [ts.Symbol, ts.Expression][] => {
    const argument = call.arguments[index]
    const own = symbolOf(parameter.name)
    return argument === undefined || own === undefined ? [] : [[own, argument]]
  })
}

/** The table that a function comes from, as in `const write = TABLE[name]`. */
function tablesOf(symbol: ts.Symbol | undefined): ts.Expression[] {
  const declaration = symbol?.valueDeclaration
  const initializer =
    declaration !== undefined && ts.isVariableDeclaration(declaration)
      ? declaration.initializer
      : undefined
  return initializer !== undefined && ts.isElementAccessExpression(initializer)
    ? [initializer.expression]
    : []
}

type Fn = ts.FunctionDeclaration | ts.ArrowFunction | ts.FunctionExpression | ts.MethodDeclaration

function functionOf(symbol: ts.Symbol | undefined): Fn | undefined {
  const declaration = symbol?.valueDeclaration
  if (declaration === undefined) return undefined
  if (ts.isFunctionDeclaration(declaration) || ts.isMethodDeclaration(declaration))
    return declaration
  const initializer = ts.isVariableDeclaration(declaration) ? declaration.initializer : undefined
  return initializer !== undefined && ts.isArrowFunction(initializer) ? initializer : undefined
}

function returnsOf(body: ts.Block): ts.Expression[] {
  const found: ts.Expression[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) return
    if (ts.isReturnStatement(node) && node.expression !== undefined) found.push(node.expression)
    node.forEachChild(visit)
  }
  body.forEachChild(visit)
  return found
}

/** Names what is filled in, by the words of the code. */
function hole(node: ts.Node): string {
  if (ts.isCallExpression(node)) {
    const [first] = node.arguments
    if (first !== undefined && (ts.isIdentifier(first) || ts.isPropertyAccessExpression(first)))
      return hole(first)
    return ts.isPropertyAccessExpression(node.expression)
      ? hole(node.expression.expression)
      : hole(node.expression)
  }
  if (ts.isPropertyAccessExpression(node)) return hole(node.name)
  if (
    ts.isElementAccessExpression(node) ||
    ts.isNonNullExpression(node) ||
    ts.isParenthesizedExpression(node)
  )
    return hole(node.expression)
  if (ts.isBinaryExpression(node)) return hole(node.left)
  if (ts.isConditionalExpression(node)) return hole(node.whenTrue)
  if (!ts.isIdentifier(node)) return '<value>'
  const words = /^[A-Z_\d]+$/.test(node.text) ? node.text : node.text.replace(/[A-Z]/g, ' $&')
  return `<${words.replaceAll('_', ' ').toLowerCase().trim()}>`
}

/** The names of what a called function takes. */
export function parameterNames(call: ts.CallExpression): readonly string[] {
  const fn = functionOf(symbolOf(call.expression))
  return fn?.parameters.map(({ name }) => name.getText()) ?? []
}

/** What the function around a text can be given, by each call of it. A form stays a form. */
export function environments(node: ts.Node, isForm: (fn: string) => boolean): readonly Env[] {
  let around: ts.Node | undefined = node.parent
  while (around !== undefined && !(ts.isFunctionLike(around) && namedSymbol(around) !== undefined))
    around = around.parent
  if (around === undefined) return [NO_ENV]
  const fn = around as Fn
  const symbol = namedSymbol(fn)
  if (symbol !== undefined && isForm(symbol.name)) return [NO_ENV]
  const sites = symbol === undefined ? [] : callsOf(symbol)
  return sites.length === 0 ? [NO_ENV] : sites.map((site) => new Map(argumentsOf(fn, site)))
}

function callsOf(symbol: ts.Symbol): readonly ts.CallExpression[] {
  if (calls.size === 0) for (const source of sources) walk(source, noteCall)
  return calls.get(symbol) ?? []
}

function noteCall(node: ts.Node): void {
  const symbol = ts.isCallExpression(node) ? symbolOf(node.expression) : undefined
  if (symbol === undefined) return
  calls.set(symbol, [...(calls.get(symbol) ?? []), node as ts.CallExpression])
}

function namedSymbol(node: ts.Node): ts.Symbol | undefined {
  if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node))
    return node.name && symbolOf(node.name)
  if (!ts.isArrowFunction(node) || !ts.isVariableDeclaration(node.parent)) return undefined
  return symbolOf(node.parent.name)
}
