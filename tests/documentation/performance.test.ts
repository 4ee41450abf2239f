import { describe, expect, it } from 'vitest'
import { drawBars } from '../../bench/chart.ts'
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

describe('a chart', () => {
  const svg = drawBars('Less & more', 'in s', [
    { label: 'Node', bars: [{ label: 'a < b', value: 2, text: '2 s', isOurs: true }] },
    { bars: [{ label: 'other', value: 1, text: '1 s', isOurs: false }] },
  ])

  it('escapes its texts', () => {
    expect(svg).toContain('>Less &amp; more</text>')
    expect(svg).toContain('>a &lt; b</text>')
  })

  it('draws bars in proportion', () => {
    const widths = [...svg.matchAll(/<rect class="(?:ours|other)".*?width="([\d.]+)"/g)]
    const [longest, shortest] = widths.map(({ 1: width }) => Number(width))
    expect(longest).toBeCloseTo(2 * (shortest ?? 0))
  })

  it('tells a screen reader the values', () => {
    expect(svg).toContain('>Less &amp; more. Node, a &lt; b: 2 s; other: 1 s.</title>')
  })

  it('has colors for dark pages', () => {
    expect(svg).toContain('prefers-color-scheme: dark')
  })
})
