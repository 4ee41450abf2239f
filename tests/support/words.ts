/** The words of a text, for long lists in tables. */
export const words = (text: string): string[] => text.trim().split(/\s+/)
