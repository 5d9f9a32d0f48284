/** A link or image of a Markdown document to a file beside it, or to a chapter. */
export interface RelativeLink {
  readonly line: number
  /** Relative to the document; empty for the document itself. */
  readonly path: string
  /** The chapter; empty for none. */
  readonly anchor: string
}

/** Every link of a document that is to no other site, code left out. */
export function relativeLinks(markdown: string): RelativeLink[] {
  return prose(markdown).flatMap((text, index) =>
    [...text.replace(/`[^`]*`/g, '``').matchAll(/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g)].flatMap(
      ([, target = '']) => {
        if (/^[a-z][a-z+.-]*:/i.test(target)) return []
        const [path = '', anchor = ''] = target.split('#')
        return [{ line: index + 1, path, anchor }]
      },
    ),
  )
}

/** The names that a document's chapters have in links, as GitHub makes them. */
export function anchorsOf(markdown: string): Set<string> {
  const anchors = new Set<string>()
  for (const line of prose(markdown)) {
    const [, heading] = /^#{1,6}\s+(.*?)\s*$/.exec(line) ?? []
    if (heading === undefined) continue
    const name = heading
      .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-')
    let unique = name
    for (let again = 1; anchors.has(unique); again++) unique = `${name}-${again}`
    anchors.add(unique)
  }
  return anchors
}

/** The lines of a document, those of fenced blocks empty. */
function prose(markdown: string): string[] {
  let fence: string | undefined
  return markdown.split('\n').map((line) => {
    const [, mark] = /^\s*(`{3,}|~{3,})/.exec(line) ?? []
    if (fence === undefined && mark === undefined) return line
    if (fence === undefined) fence = mark
    else if (mark?.startsWith(fence) && line.trim() === mark) fence = undefined
    return ''
  })
}
