import DefaultTheme from 'vitepress/theme-without-fonts'
import { Diagram } from './diagram.ts'
// oxlint-disable-next-line import/no-unassigned-import -- a style has no name
import './style.css'
import type { Theme } from 'vitepress'

export default {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => void app.component('Diagram', Diagram),
} satisfies Theme
