import fc from 'fast-check'
import { expect, test } from 'vitest'
import { IdleList, type Linked, type Links } from '../../src/coherence/idle-list.ts'

class Item implements Linked<Item> {
  links: Links<Item> | undefined
  constructor(readonly name: number) {}
}

test('whatever is added and taken out, it has what an array would have, in that order', () => {
  const step = fc.record({ name: fc.nat(9), add: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const items = Array.from({ length: 10 }, (_, name) => new Item(name))
      const list = new IdleList<Item>()
      const expected: Item[] = []
      for (const { name, add } of steps) {
        const item = items[name] as Item
        const at = expected.indexOf(item)
        if (at >= 0) expected.splice(at, 1)
        list.delete(item)
        if (add) {
          list.add(item)
          expected.push(item)
        }
        expect([list.size, list.oldest]).toEqual([expected.length, expected[0]])
        expect(items.filter((one) => list.has(one)).map((one) => one.name)).toEqual(
          expected.map((one) => one.name).sort(),
        )
      }
      const order: number[] = []
      for (let oldest = list.oldest; oldest !== undefined; oldest = list.oldest) {
        order.push(oldest.name)
        list.delete(oldest)
      }
      expect(order).toEqual(expected.map((one) => one.name))
    }),
  )
})

test('what another list holds is none of its own', () => {
  const item = new Item(1)
  const [one, other] = [new IdleList<Item>(), new IdleList<Item>()]
  one.add(item)
  other.delete(item)
  expect([one.has(item), one.size, other.has(item), other.size]).toEqual([true, 1, false, 0])
})
