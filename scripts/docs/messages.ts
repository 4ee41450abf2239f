import ts from 'typescript'
import {
  environments,
  HOLE,
  NO_ENV,
  parameterNames,
  sources,
  SRC,
  textsOf,
  walk,
} from './message-texts.ts'

/** A sentence of `src` that a user can meet. What is filled in later stands in `<angle brackets>`. */
export interface Message {
  readonly text: string
  /** Relative to `src`, such as `cli/errors.ts`. */
  readonly file: string
  /** The class of the error that has it, the type of the event, or `''`. */
  readonly by: string
}

/** A row of the table of a response. */
export interface Answer {
  readonly code: string
  readonly status: string
  readonly message: string
}

/** The text is a part of "<option> must be …", which is one row for all options. */
const OPTION_FORMS: ReadonlySet<string> = new Set([
  'misusedOption',
  'invalidOption',
  'invalidSecret',
  'readOptions',
  'wrongValue',
  'ExpressionError',
])
const OPTION_FIELDS = /^(?:expected|hint|received)$/
/** The help of a command, which `docs/cli.md` has, and the shape of options. */
const HELP_FIELDS = /^(?:usage|summary|details|help|examples|environment|default|value|name|sql)$/
/** The forms of the command line stay forms. */
const FORM_FILE = /cli\/(?:command-line|errors)\.ts$/

/** Errors that only code of the package sees, and the reason phrases. */
const NEVER_SHOWN =
  /^(?:gateway\/(?:upload|exchange|node-fetch|node-call)|node\/sockets\/answer|core\/(?:runtime|redaction|endpoint\/claims)|dispatcher\/response-queue|redis\/seal|access\/(?:expression|conditions)|jwt\/describe|node\/sockets\/ordinary-request|hono\/rejection|cli\/help|cli\/init\/templates|otel\/instruments)\.ts$/

function isText(node: ts.Node): node is ts.Expression {
  const isSum = ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.PlusToken
  return (
    ts.isStringLiteralLike(node) ||
    ts.isTemplateExpression(node) ||
    (isSum && (isText(node.left) || isText(node.right)))
  )
}

/** Whether the text is in an option's form, in help, or in no place that anybody reads. */
function isElsewhere(node: ts.Node): boolean {
  for (let at: ts.Node = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at
    if (ts.isImportDeclaration(parent) || ts.isTypeNode(parent) || ts.isCaseClause(parent))
      return true
    if (
      ts.isPropertyAssignment(parent) &&
      (OPTION_FIELDS.test(parent.name.getText()) || HELP_FIELDS.test(parent.name.getText()))
    )
      return true
    if (
      (ts.isCallExpression(parent) || ts.isNewExpression(parent)) &&
      OPTION_FORMS.has(parent.expression.getText())
    )
      return true
    if (ts.isNewExpression(parent) && parent.expression.getText() === 'RegExp') return true
    if (ts.isFunctionLike(parent)) return false
  }
  return false
}

/** The class of the error that a text is for. An explanation is shown wherever it was written. */
function byOf(node: ts.Node): string {
  for (let at: ts.Node = node; at.parent !== undefined; at = at.parent) {
    const { parent } = at
    if (ts.isNewExpression(parent) && parent.expression.getText().endsWith('Error')) {
      // Programs never see it: a warning has its text.
      return parent.expression.getText() === 'ShowableError' ? '' : nameError(parent)
    }
    if (givesExplanation(parent, at)) return 'AuthUnavailableError'
    if (ts.isFunctionLike(parent)) return ''
  }
  return ''
}

function nameError(node: ts.NewExpression): string {
  const name = node.expression.getText()
  const [first] = node.arguments ?? []
  const isOfKeys = name === 'KeyFileError' && first !== undefined && ts.isStringLiteral(first)
  return isOfKeys ? `${name} ${first.text}` : name
}

function givesExplanation(parent: ts.Node, node: ts.Node): boolean {
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent)) {
    return parent.name.getText() === 'explanation'
  }
  if (!ts.isCallExpression(parent)) return false
  const index = parent.arguments.findIndex((argument) => argument === node)
  return parameterNames(parent)[index] === 'explanation'
}

/** A text that begins in lower case completes another one, such as what an option must be. */
function isWhole({ text, file, by }: Message): boolean {
  const words = text.replace(/<[^<>]*>/g, 'x').split(/\s+/)
  const count = words.filter((word) => /[A-Za-z]{2}|^[xa]$/.test(word)).length
  if (
    count < (by === '' ? 3 : 2) ||
    !/[a-z]{2,} /.test(text) ||
    /\n|^Bearer |HTTP\/\d|: $/.test(text)
  )
    return false
  if (/ primary key | not null| returning <|^<name> as </.test(text)) return false
  const beginsLow = file.startsWith('cli/conformance/') || file === 'core/response/alarm.ts'
  return by !== '' || beginsLow || /^(?:[A-Z"<]|--)/.test(text)
}

interface Found extends Message {
  readonly node: ts.Node
}

/** All sentences, each once, without those that are only a part of others. */
export function collectMessages(): Message[] {
  const inOthers = new Set<ts.Node>()
  const found = sources.flatMap((source) => collectFrom(source, inOthers))
  const seen = new Set(collectAnswers().map(({ message }) => message))
  return found.flatMap(({ node, text, file, by }) => {
    if (inOthers.has(node) || seen.has(text)) return []
    seen.add(text)
    return [{ text, file, by }]
  })
}

function collectFrom(source: ts.SourceFile, inOthers: Set<ts.Node>): Found[] {
  const file = source.fileName.slice(SRC.length + 1)
  const found: Found[] = []
  const isForm = (fn: string): boolean => OPTION_FORMS.has(fn) || FORM_FILE.test(file)
  const collect = (node: ts.Expression): void => {
    const isOther = isElsewhere(node)
    const { texts, parts } = textsOf(node, isOther ? [NO_ENV] : environments(node, isForm))
    const by = byOf(node)
    const rows = texts.map((text) => ({ text: clean(text), file, by, node })).filter(isWhole)
    if (!isOther && !NEVER_SHOWN.test(file)) found.push(...rows)
    // A part of a text that nobody sees alone is still a sentence.
    if (isOther || rows.length > 0) parts.forEach((part) => inOthers.add(part))
  }
  const visit = (node: ts.Node): void => {
    if (ts.isPropertyAssignment(node) && HELP_FIELDS.test(node.name.getText())) return
    if (isText(node)) collect(node)
    for (const given of givenToForms(node))
      textsOf(given).parts.forEach((part) => inOthers.add(part))
    node.forEachChild(visit)
  }
  visit(source)
  return found
}

/** What an option must be, as a name of the text. */
function givenToForms(node: ts.Node): readonly ts.Expression[] {
  if (ts.isPropertyAssignment(node) && OPTION_FIELDS.test(node.name.getText()))
    return [node.initializer]
  const isForm = ts.isCallExpression(node) && OPTION_FORMS.has(node.expression.getText())
  return isForm ? node.arguments : []
}

// The command begins its lines with its name.
function clean(text: string): string {
  const line = text.replace(/\n$/, '')
  if (!line.startsWith('with-auth: ')) return line
  const rest = line.slice('with-auth: '.length)
  return `${rest[0]?.toUpperCase()}${rest.slice(1)}`
}

/** The tables of the responses that the package makes itself. */
export function collectAnswers(): Answer[] {
  return sources.flatMap((source) => {
    const rows: Answer[] = []
    walk(source, (node) => {
      const row = ts.isObjectLiteralExpression(node) ? answerOf(node) : undefined
      if (row !== undefined) rows.push(row, ...outageOf(node, row))
    })
    return rows
  })
}

function answerOf(node: ts.ObjectLiteralExpression): Answer | undefined {
  const message = fieldOf(node, 'message')
  if (message === undefined) return undefined
  const own = fieldOf(node, 'status')
  const { parent } = node
  const named = ts.isPropertyAssignment(parent) ? parent : undefined
  const outer =
    named !== undefined && ts.isObjectLiteralExpression(named.parent) ? named.parent : undefined
  const given = fieldOf(node, 'code') ?? (outer && fieldOf(outer, 'code'))
  const code = given ?? (own === undefined ? undefined : named?.name.getText())
  const status = own ?? (outer && fieldOf(outer, 'status')) ?? 'any'
  return code === undefined ? undefined : { code, status, message }
}

/** The sentence of the row with `unavailableStatus: 503`. */
function outageOf(node: ts.Node, { code }: Answer): Answer[] {
  const message = ts.isObjectLiteralExpression(node) ? fieldOf(node, 'outage') : undefined
  const status = code === 'rate_limited' ? '429' : '503'
  return message === undefined ? [] : [{ code, status, message }]
}

function fieldOf(node: ts.ObjectLiteralExpression, name: string): string | undefined {
  const field = node.properties.find((property) => property.name?.getText() === name)
  if (field === undefined || !ts.isPropertyAssignment(field)) return undefined
  const { texts } = textsOf(field.initializer)
  return texts.length === 1 && !HOLE.test(texts[0] ?? '<>') ? texts[0] : undefined
}
