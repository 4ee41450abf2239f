import { expect, it } from 'vitest'
import { renderAll } from '../../bench/pages.ts'
import { readJson, readText } from '../support/project.ts'
import type { Section } from '../../bench/section.ts'

const sections = readJson<Section[]>('bench/results.json')
const files = [...renderAll(sections)]

it.each(files.map(([file, text]) => ({ file, text })))(
  '$file shows bench/results.json',
  ({ file, text }) => {
    expect(readText(file)).toBe(text)
  },
)

it('every chart is on the page', () => {
  const charts = files.flatMap(([file]) => (file.endsWith('.svg') ? [file] : []))
  expect(charts.length).toBeGreaterThan(2)
  const page = readText('docs/performance.md')
  expect(charts.filter((file) => !page.includes(file.replace('docs/', '')))).toEqual([])
})
