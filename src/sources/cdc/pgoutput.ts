import { ByteReader, unreadable } from './byte-reader.ts'

/** A column of a table, as it is published. */
export interface Column {
  readonly name: string
  /** Whether it is part of the replica identity. */
  readonly key: boolean
  /** The type's OID. */
  readonly type: number
}

export interface Relation {
  readonly id: number
  readonly schema: string
  readonly name: string
  readonly columns: readonly Column[]
}

/** A row's values in the order of its columns: text, null, or undefined where it was not sent. */
export type Tuple = readonly (string | null | undefined)[]

/** One message of the plugin `pgoutput`, protocol version 1. */
export type Message =
  | { readonly kind: 'begin'; readonly final: bigint }
  | { readonly kind: 'commit'; readonly end: bigint }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'insert'; readonly relation: number; readonly after: Tuple }
  | {
      readonly kind: 'update'
      readonly relation: number
      /** The row as it was: whole, or its key where that has changed. */
      readonly before: { readonly whole: boolean; readonly tuple: Tuple } | undefined
      readonly after: Tuple
    }
  | {
      readonly kind: 'delete'
      readonly relation: number
      readonly before: { readonly whole: boolean; readonly tuple: Tuple }
    }
  | { readonly kind: 'truncate'; readonly relations: readonly number[] }
  | { readonly kind: 'other' }

/** Reads a message. @throws CacheError `REPLICATION_MESSAGE` for what is none */
export function readMessage(bytes: Uint8Array): Message {
  const reader = new ByteReader(bytes)
  const message = readKind(reader)
  if (reader.left > 0 && message.kind !== 'other') throw unreadable(`${reader.left} bytes too many`)
  return message
}

function readKind(reader: ByteReader): Message {
  const tag = reader.tag()
  switch (tag) {
    case 'B': {
      const final = reader.int64()
      reader.skip(8 + 4)
      return { kind: 'begin', final }
    }
    case 'C': {
      reader.skip(1 + 8)
      const end = reader.int64()
      reader.skip(8)
      return { kind: 'commit', end }
    }
    case 'R':
      return { kind: 'relation', relation: readRelation(reader) }
    case 'I': {
      const relation = reader.int32()
      expectTag(reader, 'N')
      return { kind: 'insert', relation, after: readTuple(reader) }
    }
    case 'U':
      return readUpdate(reader)
    case 'D': {
      const relation = reader.int32()
      const image = reader.tag()
      if (image !== 'K' && image !== 'O') throw unreadable(`an image ${JSON.stringify(image)}`)
      return { kind: 'delete', relation, before: { whole: image === 'O', tuple: readTuple(reader) } }
    }
    case 'T': {
      const count = reader.int32()
      reader.skip(1)
      if (count * 4 > reader.left) throw unreadable('cut short')
      return { kind: 'truncate', relations: Array.from({ length: count }, () => reader.int32()) }
    }
    // An origin, a type's name, a message of somebody's own.
    case 'O':
    case 'Y':
    case 'M':
      return { kind: 'other' }
    default:
      throw unreadable(`a message ${JSON.stringify(tag)}`)
  }
}

function readUpdate(reader: ByteReader): Message {
  const relation = reader.int32()
  const image = reader.tag()
  if (image === 'N') return { kind: 'update', relation, before: undefined, after: readTuple(reader) }
  if (image !== 'K' && image !== 'O') throw unreadable(`an image ${JSON.stringify(image)}`)
  const before = { whole: image === 'O', tuple: readTuple(reader) }
  expectTag(reader, 'N')
  return { kind: 'update', relation, before, after: readTuple(reader) }
}

function readRelation(reader: ByteReader): Relation {
  const id = reader.int32()
  const schema = reader.text()
  const name = reader.text()
  reader.skip(1)
  const columns = Array.from({ length: reader.int16() }, (): Column => {
    const key = (reader.byte() & 1) === 1
    const column = { key, name: reader.text(), type: reader.int32() }
    reader.skip(4)
    return column
  })
  // The catalogue's own schema is sent as an empty text.
  return { id, schema: schema === '' ? 'pg_catalog' : schema, name, columns }
}

function readTuple(reader: ByteReader): Tuple {
  return Array.from({ length: reader.int16() }, () => {
    const kind = reader.tag()
    if (kind === 'n') return null
    // A large value that was not changed, and is not sent again.
    if (kind === 'u') return undefined
    if (kind !== 't') throw unreadable(`a value ${JSON.stringify(kind)}`)
    return reader.textOf(reader.int32())
  })
}

function expectTag(reader: ByteReader, expected: string): void {
  const tag = reader.tag()
  if (tag !== expected) throw unreadable(`an image ${JSON.stringify(tag)}`)
}
