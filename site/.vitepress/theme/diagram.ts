import scriptUrl from '@mermaid-js/tiny/dist/mermaid.tiny.js?url'
import { useData } from 'vitepress'
import { defineComponent, h, onMounted, ref, useId, watch } from 'vue'

/** The parts of Mermaid that are used here. Its package has no types. */
interface Mermaid {
  initialize(config: Readonly<Record<string, boolean | string>>): void
  render(id: string, text: string): Promise<{ readonly svg: string }>
}

let loading: Promise<Mermaid> | undefined

/** Draws the text of a diagram, which is shown until then. */
export const Diagram = defineComponent({
  props: { text: { type: String, required: true } },
  setup({ text }) {
    const { isDark } = useData()
    const id = useId()
    const drawing = ref('')

    async function draw(): Promise<void> {
      loading ??= loadMermaid()
      const mermaid = await loading
      const theme = isDark.value ? 'dark' : 'neutral'
      // Labels of HTML would take the line height of the page, and be cut off.
      mermaid.initialize({ startOnLoad: false, htmlLabels: false, fontFamily: 'inherit', theme })
      drawing.value = (await mermaid.render(id, text)).svg
    }

    onMounted(() => watch(isDark, draw, { immediate: true }))
    return () =>
      drawing.value === ''
        ? h('pre', text)
        : h('div', { class: 'diagram', innerHTML: drawing.value })
  },
})

/** As a script, since the package is no module. Only pages with a diagram load it. */
async function loadMermaid(): Promise<Mermaid> {
  const script = document.createElement('script')
  script.src = scriptUrl
  await new Promise((resolve, reject) => {
    script.addEventListener('load', resolve)
    script.addEventListener('error', reject)
    document.head.append(script)
  })
  return Reflect.get(globalThis, 'mermaid') as Mermaid
}
