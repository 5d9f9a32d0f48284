/** Any character, and any but a colon; above them, the code point of the one that is taken. */
const ANY = -1
const INSIDE = -2
const COLON = 58

/** What a pattern takes, character by character, and of which of them as many as come. */
export interface Steps {
  readonly takes: readonly number[]
  readonly again: readonly boolean[]
}

/** A pattern over keys as {@link canMeet} reads it: literal text, `*`, `{captures}`. */
export function stepsOf(text: string): Steps {
  const takes: number[] = []
  const again: boolean[] = []
  const add = (taken: number, more = false) => {
    takes.push(taken)
    again.push(more)
  }
  for (const piece of text.match(/\{[^{}]*\}|[^{}]/gu) ?? []) {
    if (piece === '*') add(ANY, true)
    else if (!piece.startsWith('{')) add(piece.codePointAt(0) as number)
    else {
      add(INSIDE)
      add(INSIDE, true)
    }
  }
  return { takes, again }
}

/**
 * Whether some key may match both patterns. Where it says no, there is none; it does not look at where a capture may
 * begin, nor at what keys escape.
 */
export function canMeet(one: Steps, other: Steps): boolean {
  const [ends, endsBeside] = [one.takes.length, other.takes.length]
  const width = endsBeside + 1
  const seen = new Uint8Array((ends + 1) * width)
  const open = [0]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    if (seen[place] === 1) continue
    seen[place] = 1
    const at = Math.floor(place / width)
    const beside = place % width
    if (at === ends && beside === endsBeside) return true
    const [more, moreBeside] = [one.again[at] === true, other.again[beside] === true]
    if (more) open.push(place + width)
    if (moreBeside) open.push(place + 1)
    if (at === ends || beside === endsBeside) continue
    if (!overlap(one.takes[at] as number, other.takes[beside] as number)) continue
    open.push(place + (more ? 0 : width) + (moreBeside ? 0 : 1))
  }
  return false
}

function overlap(one: number, other: number): boolean {
  if (one === other || one === ANY || other === ANY) return true
  if (one === INSIDE) return other !== COLON
  return other === INSIDE && one !== COLON
}
