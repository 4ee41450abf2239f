import { isMap } from 'yaml'
import { describe, expect, it } from 'vitest'
import { parseFile } from '../../src/yaml/document.ts'
import { readFields } from '../../src/yaml/setting.ts'
import { AUTH } from '../../src/yaml/shape.ts'
import type { Setting } from '../../src/yaml/setting.ts'

function read(text: string) {
  const { tree, findings } = parseFile('f', text)
  if (tree === undefined || !isMap(tree.root)) throw new Error('no mapping')
  const environment = (name: string): string | undefined => (name === 'X' ? '007' : undefined)
  const settings = readFields(tree.root.items, 'a', AUTH, { tree, findings, environment })
  return { settings, messages: findings.all().map(({ message }) => message) }
}

const valueOf = (setting: Setting | undefined): unknown =>
  setting?.content.kind === 'value' ? setting.content.value : setting?.content

describe('readFields', () => {
  it.each([
    ['realm: 0123', 'realm', '0123'],
    ['realm: true', 'realm', 'true'],
    ['realm: ~', 'realm', null],
    ['realm: !!str 5', 'realm', '5'],
    ['realm:', 'realm', null],
    ['{ realm }', 'realm', null],
    ['realm: ${env.X}', 'realm', '007'],
    ['timeout_ms: ${env.X}', 'timeoutMs', 7],
    ['timeout_ms: ${env.NO:= 1_000 }', 'timeoutMs', 1000],
    ['timeout_ms: ${env.NO:=0x10}', 'timeoutMs', '0x10'],
    ['timeout_ms: ${env.NO:=Infinity}', 'timeoutMs', 'Infinity'],
    ['timeout_ms: "5"', 'timeoutMs', '5'],
    ['timeout_ms: 0x10', 'timeoutMs', 16],
    ['retry: ${env.NO:=FALSE}', 'retry', false],
    ['retry: ${env.NO:=no}', 'retry', 'no'],
    ['retry: no', 'retry', 'no'],
    ['realm: { a: 1 }', 'realm', {}],
    ['realm: [a]', 'realm', []],
    ['x: &x api\n', 'x', undefined],
  ])('reads %j', (text, option, value) => {
    expect(valueOf(read(text).settings.get(option))).toEqual(value)
  })

  it('knows what must not be shown', () => {
    const hides = (text: string): unknown => {
      const setting = [...read(text).settings.values()][0]
      const inner =
        setting?.content.kind === 'fields' ? [...setting.content.fields.values()][0] : setting
      return [inner?.isHidden, inner?.isMasked]
    }
    expect(hides('realm: x')).toEqual([false, false])
    expect(hides('realm: ${env.X}')).toEqual([true, false])
    expect(hides('endpoint: https://u:p@h')).toEqual([false, true])
    expect(hides('endpoint: https://h/?k=${env.X}')).toEqual([true, true])
    expect(hides('endpoint_headers: { a: b }')).toEqual([true, true])
  })

  it('follows aliases', () => {
    const { settings } = read('realm: &r api\nmode: *r\n')
    expect(valueOf(settings.get('mode'))).toBe('api')
  })

  it.each([
    ['{ ? [a] : 1 }', 'must be a plain name'],
    ['<<: { mode: shadow }', 'merge keys are not read here'],
    ['mod: shadow', 'did you mean "mode"'],
    ['endpoint_headers: { X-A: 1, x-a: 2 }', 'is there twice'],
    ['endpoint_headers: { "a b": 1 }', 'valid header names'],
    ['endpoint_headers: { ? [a] : 1 }', 'valid header names'],
  ])('refuses %j', (text, said) => {
    expect(read(text).messages).toEqual([expect.stringContaining(said)])
  })

  it('tells of a key that is too long to be one by how it begins', () => {
    const [message = ''] = read(`${'k'.repeat(900)}: 1`).messages
    expect(message).toMatch(/"a\.k{80}"/)
    expect(message.length).toBeLessThan(600)
  })

  it('takes no value of which a part was refused', () => {
    const { settings, messages } = read('realm: "api-${env.NO}"')
    expect(settings.has('realm')).toBe(false)
    expect(messages).toEqual([expect.stringContaining('"NO" is not set')])
  })
})
