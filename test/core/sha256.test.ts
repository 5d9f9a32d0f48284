import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sha256, sha256ByUpdates } from '../../src/core/sha256.ts'

test('both ways come to the same, which is SHA-256', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const expected = createHash('sha256').update(Buffer.from(text, 'utf8')).digest().toString('base64url')
      expect(sha256(text)).toBe(expected)
      expect(sha256ByUpdates(text)).toBe(expected)
    }),
  )
})
