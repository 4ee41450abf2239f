// A key has at most 8192 characters. What is longer need not be read to its end.
const MAX_INPUT = 16_384

/** Reads a text from a stream, and ends where it is longer than a key can be. */
export async function readInput(stream: NodeJS.ReadStream): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > MAX_INPUT) break
  }
  return text
}
