import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import { MASKED } from './problems.ts'
import type { Alias, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import type { Findings, Range } from './problems.ts'

/** A node that is no alias. */
export type Node = Scalar | YAMLMap | YAMLSeq

/** The nodes of a document, with its aliases resolved. */
export interface Tree {
  readonly root: Node | undefined
  /** What an alias stands for, else the node itself; `undefined` for an alias that was refused. */
  readonly resolve: (node: unknown) => Node | undefined
}

// Real files have aliases for a handful of values.
const MOST_ALIASED = 10_000
const TOO_MANY = `The aliases stand for more than ${MOST_ALIASED} values`

interface Inspection {
  readonly findings: Findings
  readonly anchors: Map<string, Node>
  readonly targets: Map<Alias, Node>
  /** How many values a finished node stands for, with those of its aliases. */
  readonly sizes: Map<Node, number>
  readonly open: Set<Node>
  aliased: number
  isOverfull: boolean
}

/** Looks through all nodes once: refuses keys that repeat, cycles, and aliases that multiply. */
export function inspectTree(root: unknown, findings: Findings): Tree {
  const inspection: Inspection = {
    findings,
    anchors: new Map(),
    targets: new Map(),
    sizes: new Map(),
    open: new Set(),
    aliased: 0,
    isOverfull: false,
  }
  inspect(root, [], inspection)
  const resolve = (node: unknown): Node | undefined => {
    if (isAlias(node)) return inspection.targets.get(node)
    return isNode(node) ? node : undefined
  }
  return { root: resolve(root), resolve }
}

/** Where a node stands, without the comments and blanks behind it. */
export function rangeOf(node: unknown): Range {
  const [start = 0, end = start] = ((isNode(node) || isAlias(node)) && node.range) || []
  return { start, end }
}

/** The text of a key, or `undefined` for one that is no scalar. */
export function keyText(key: unknown): string | undefined {
  return isScalar(key) ? scalarText(key) : undefined
}

/** The pair of a mapping that has this name. */
export function findPair(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find(({ key }) => keyText(key) === name)
}

/** Whether nothing stands there, or `null`. */
export function isEmpty(node: Node | undefined): boolean {
  return node === undefined || ('value' in node && node.value === null)
}

/**
 * Whether a key stands without a value. It may be a member of a set of secrets, or `key:value` without the blank that makes
 * two of it, and so must not be shown.
 */
export function isBare({ value }: Pair): boolean {
  return value === null
}

/** What errors call a key: `?` where it has no name, or one that must not be shown. */
export function shownName(pair: Pair): string {
  return (isBare(pair) ? undefined : keyText(pair.key)) ?? '?'
}

/** A scalar as it is written: `0123`, and not the number 123. */
export function scalarText({ source, value }: Scalar): string {
  return source ?? String(value)
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value)
}

function inspect(node: unknown, path: readonly string[], inspection: Inspection): number {
  if (isAlias(node)) return inspectAlias(node, path, inspection)
  if (!isNode(node)) return 0
  if (node.anchor !== undefined) inspection.anchors.set(node.anchor, node)
  inspection.open.add(node)
  const size = 1 + inspectChildren(node, path, inspection)
  inspection.open.delete(node)
  inspection.sizes.set(node, size)
  return size
}

function inspectChildren(node: Node, path: readonly string[], inspection: Inspection): number {
  if (isSeq(node)) {
    return sum(node.items.map((item, index) => inspect(item, [...path, `[${index}]`], inspection)))
  }
  if (!isMap(node)) return 0
  refuseRepeatedKeys(node, path, inspection.findings)
  return sum(node.items.map((pair) => inspectPair(pair, path, inspection)))
}

function inspectPair(pair: Pair, path: readonly string[], inspection: Inspection): number {
  if (isScalar(pair.key) && !isBare(pair)) inspection.findings.show(rangeOf(pair.key))
  const below = [...path, `.${shownName(pair)}`]
  return inspect(pair.key, below, inspection) + inspect(pair.value, below, inspection)
}

function inspectAlias(alias: Alias, path: readonly string[], inspection: Inspection): number {
  const problem = resolveAlias(alias, inspection)
  if (problem !== undefined) {
    // It is the same with all that come after.
    if (problem === TOO_MANY && inspection.isOverfull) return 0
    inspection.isOverfull ||= problem === TOO_MANY
    inspection.findings.add(rangeOf(alias), nameOf(path), problem, MASKED)
    return 0
  }
  const target = inspection.targets.get(alias)
  return (target && inspection.sizes.get(target)) ?? 0
}

function resolveAlias(alias: Alias, inspection: Inspection): string | undefined {
  const target = inspection.anchors.get(alias.source)
  if (target === undefined) return 'An alias needs an anchor before it'
  if (inspection.open.has(target)) return 'An alias cannot stand within what it names'
  inspection.aliased += inspection.sizes.get(target) ?? 0
  if (inspection.aliased > MOST_ALIASED) return TOO_MANY
  inspection.targets.set(alias, target)
  return undefined
}

function refuseRepeatedKeys(map: YAMLMap, path: readonly string[], findings: Findings): void {
  const seen = new Set<string>()
  for (const pair of map.items) {
    const text = keyText(pair.key)
    if (text === undefined) continue
    if (seen.has(text)) refuseRepeated(pair, nameOf([...path, `.${shownName(pair)}`]), findings)
    seen.add(text)
  }
}

function refuseRepeated(pair: Pair, name: string, findings: Findings): void {
  const message = `${JSON.stringify(name)} is there twice`
  findings.add(rangeOf(pair.key), name, message, isBare(pair))
}

function nameOf(path: readonly string[]): string {
  return path.join('').replace(/^\./, '').slice(0, 200)
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
