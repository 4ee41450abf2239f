import { isAlias, isMap, isScalar, isSeq } from 'yaml'
import { MASKED } from './problems.ts'
import type { Alias, Pair, Scalar, YAMLMap, YAMLSeq } from 'yaml'
import type { Findings, Range } from './problems.ts'

/** A node other than an alias. */
export type Node = Scalar | YAMLMap | YAMLSeq

/** The nodes of a document, with its aliases resolved. */
export interface Tree {
  readonly root: Node | undefined
  /** Returns the target of an alias, or `undefined` for an invalid alias. Returns other nodes as they are. */
  readonly resolve: (node: unknown) => Node | undefined
}

// Real files alias a handful of values.
const MOST_ALIASED = 10_000
const TOO_MANY = `The aliases expand to more than ${MOST_ALIASED} values: write the values out`

interface Anchor {
  readonly node: Node
  /** The number of values in the node, those of its aliases included. `undefined` until the end of the node is reached. */
  size?: number
}

interface Inspection {
  readonly findings: Findings
  readonly anchors: Map<string, Anchor>
  readonly targets: Map<Alias, Node>
  aliased: number
}

/** Visits every node once. Adds a problem for repeated keys, for cycles, and for aliases that multiply. */
export function inspectTree(root: unknown, findings: Findings): Tree {
  const targets = new Map<Alias, Node>()
  inspect(root, [], { findings, anchors: new Map(), targets, aliased: 0 })
  const resolve = (node: unknown): Node | undefined => {
    if (isAlias(node)) return targets.get(node)
    return isNode(node) ? node : undefined
  }
  return { root: resolve(root), resolve }
}

/** Returns the place of a node, without the comments and blanks after it. */
export function rangeOf(node: unknown): Range {
  const [start = 0, end = start] = ((isNode(node) || isAlias(node)) && node.range) || []
  return { start, end }
}

/** Returns the text of a key, or `undefined` for a list or a mapping in its place. */
export function keyText(key: unknown): string | undefined {
  return isScalar(key) ? scalarText(key) : undefined
}

export function findPair(map: YAMLMap, name: string): Pair | undefined {
  return map.items.find(({ key }) => keyText(key) === name)
}

export function isEmpty(node: Node | undefined): boolean {
  return node === undefined || ('value' in node && node.value === null)
}

/**
 * Whether a key has no value. It must not be shown: it may be a secret of a set, or `key:value` without the blank between.
 */
export function isBare({ value }: Pair): boolean {
  return value === null
}

/** Returns the name of a key for errors, or `?` for a key without a name and for one that must not be shown. */
export function shownName(pair: Pair): string {
  return (isBare(pair) ? undefined : keyText(pair.key)) ?? '?'
}

/** Returns a scalar as written: `0123`, not the number 123. */
export function scalarText({ source, value }: Scalar): string {
  return source ?? String(value)
}

function isNode(value: unknown): value is Node {
  return isScalar(value) || isMap(value) || isSeq(value)
}

function inspect(node: unknown, path: readonly string[], inspection: Inspection): number {
  if (isAlias(node)) return inspectAlias(node, path, inspection)
  if (!isNode(node)) return 0
  const anchor: Anchor = { node }
  if (node.anchor !== undefined) inspection.anchors.set(node.anchor, anchor)
  anchor.size = 1 + inspectChildren(node, path, inspection)
  return anchor.size
}

function inspectChildren(node: Node, path: readonly string[], inspection: Inspection): number {
  if (isSeq(node)) {
    return sum(node.items.map((item, index) => inspect(item, [...path, `[${index}]`], inspection)))
  }
  if (!isMap(node)) return 0
  rejectRepeatedKeys(node, path, inspection.findings)
  return sum(node.items.map((pair) => inspectPair(pair, path, inspection)))
}

function inspectPair(pair: Pair, path: readonly string[], inspection: Inspection): number {
  if (isScalar(pair.key) && !isBare(pair)) inspection.findings.show(rangeOf(pair.key))
  const below = [...path, `.${shownName(pair)}`]
  return inspect(pair.key, below, inspection) + inspect(pair.value, below, inspection)
}

function inspectAlias(alias: Alias, path: readonly string[], inspection: Inspection): number {
  const { findings, targets, anchors } = inspection
  const { node, size } = anchors.get(alias.source) ?? {}
  const report = (problem: string): number => {
    findings.add(rangeOf(alias), nameOf(path), problem, MASKED)
    return 0
  }
  if (node === undefined) return report('An alias needs an anchor before it')
  if (size === undefined) return report('An alias cannot be inside its own anchor')
  // Every later alias has this problem, too: report it once.
  if (inspection.aliased > MOST_ALIASED) return 0
  inspection.aliased += size
  if (inspection.aliased > MOST_ALIASED) return report(TOO_MANY)
  targets.set(alias, node)
  return size
}

function rejectRepeatedKeys(map: YAMLMap, path: readonly string[], findings: Findings): void {
  const seen = new Set<string>()
  for (const pair of map.items) {
    const text = keyText(pair.key)
    if (text === undefined) continue
    if (seen.has(text)) {
      const name = nameOf([...path, `.${shownName(pair)}`])
      const message = `${JSON.stringify(name)} is a repeated key: remove one of them`
      findings.add(rangeOf(pair.key), name, message, isBare(pair))
    }
    seen.add(text)
  }
}

function nameOf(path: readonly string[]): string {
  return path.join('').replace(/^\./, '').slice(0, 200)
}

function sum(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total + size, 0)
}
