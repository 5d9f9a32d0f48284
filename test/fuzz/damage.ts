import fc from 'fast-check'

/** One thing that happens to a text or to bytes; places count from the front, round and round. */
type Edit =
  | { readonly flip: number; readonly bit: number }
  | { readonly cut: number }
  | { readonly drop: number; readonly length: number }
  | { readonly twice: number; readonly length: number }
  | { readonly put: string; readonly at: number }
  | { readonly over: string; readonly at: number }
  | { readonly from: number; readonly to: number; readonly length: number }

function edits(dictionary: readonly string[]): fc.Arbitrary<Edit[]> {
  const place = fc.nat({ max: 0xffff })
  const length = fc.nat({ max: 24 })
  const piece = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...dictionary) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) },
  )
  const edit = fc.oneof(
    { weight: 3, arbitrary: fc.record({ flip: place, bit: fc.nat({ max: 7 }) }) },
    { weight: 1, arbitrary: fc.record({ cut: place }) },
    { weight: 2, arbitrary: fc.record({ drop: place, length }) },
    { weight: 2, arbitrary: fc.record({ twice: place, length }) },
    { weight: 2, arbitrary: fc.record({ put: piece, at: place }) },
    { weight: 2, arbitrary: fc.record({ over: piece, at: place }) },
    { weight: 1, arbitrary: fc.record({ from: place, to: place, length }) },
  )
  return fc.array(edit, { minLength: 1, maxLength: 4 })
}

/** What a text or bytes have in common for an edit. */
interface Parts<T> {
  readonly length: number
  slice(from: number, to?: number): T
}

function apply<T extends Parts<T>>(
  whole: T,
  edit: Edit,
  join: (parts: readonly T[]) => T,
  made: (text: string) => T,
  flipped: (one: T, bit: number) => T,
): T {
  const size = Math.max(1, whole.length)
  const replaced = (at: number, gone: number, put: T) =>
    join([whole.slice(0, at), put, whole.slice(at + gone)])
  if ('flip' in edit) {
    const at = edit.flip % size
    return whole.length === 0 ? whole : replaced(at, 1, flipped(whole.slice(at, at + 1), edit.bit))
  }
  if ('cut' in edit) return whole.slice(0, edit.cut % size)
  if ('drop' in edit) return replaced(edit.drop % size, edit.length, made(''))
  if ('twice' in edit) {
    const at = edit.twice % size
    return replaced(at, 0, whole.slice(at, at + edit.length))
  }
  if ('put' in edit) return replaced(edit.at % (size + 1), 0, made(edit.put))
  if ('over' in edit) return replaced(edit.at % size, edit.over.length, made(edit.over))
  const from = edit.from % size
  return replaced(edit.to % size, edit.length, whole.slice(from, from + edit.length))
}

const concat = (parts: readonly Buffer[]) => Buffer.concat(parts)
const flippedByte = (one: Buffer, bit: number) => Buffer.of((one[0] as number) ^ (1 << bit))
const flippedUnit = (one: string, bit: number) => String.fromCharCode(one.charCodeAt(0) ^ (1 << bit))

/** Something valid and what bit flips, cuts, repetitions, splices and words of a dictionary make of it. */
export interface Damaged<T> {
  readonly valid: T
  readonly damaged: T
}

/** Texts, with what becomes of them. */
export function damagedText(
  valid: fc.Arbitrary<string>,
  dictionary: readonly string[],
): fc.Arbitrary<Damaged<string>> {
  return fc.tuple(valid, edits(dictionary)).map(([text, all]) => ({
    valid: text,
    damaged: all.reduce(
      (now, edit) =>
        apply<string>(
          now,
          edit,
          (parts) => parts.join(''),
          (made) => made,
          flippedUnit,
        ),
      text,
    ),
  }))
}

/** Bytes, with what becomes of them. */
export function damagedBytes(
  valid: fc.Arbitrary<Buffer>,
  dictionary: readonly string[],
): fc.Arbitrary<Damaged<Buffer>> {
  return fc.tuple(valid, edits(dictionary)).map(([bytes, all]) => ({
    valid: bytes,
    damaged: all.reduce(
      (now, edit) => apply<Buffer>(now, edit, concat, (text) => Buffer.from(text, 'latin1'), flippedByte),
      bytes,
    ),
  }))
}

/** Texts valid, damaged, and of any characters at all. */
export function anyText(valid: fc.Arbitrary<string>, dictionary: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 2, arbitrary: valid },
    { weight: 6, arbitrary: damagedText(valid, dictionary).map(({ damaged }) => damaged) },
    { weight: 2, arbitrary: ofPieces(dictionary, 12) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  )
}

/** Texts put together from these pieces. */
export function ofPieces(pieces: readonly string[], most: number): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...pieces), { maxLength: most }).map((list) => list.join(''))
}
