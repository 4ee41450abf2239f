/** A file as text. The build bundles a script first: see .ci/text-imports.js. */
declare module '*?text' {
  const text: string
  export default text
}
