import { LRUCache as Full } from '../../node_modules/lru-cache/dist/esm/index.js'

const MOST = 64

/**
 * The same, but no larger than a small world needs: a full one takes its memory when it is made, and every world makes
 * some.
 */
export class LRUCache<K extends object | string, V extends object> extends Full<K, V, unknown> {
  constructor(options: Full.Options<K, V, unknown>) {
    super({ ...options, max: Math.min(options.max ?? MOST, MOST) })
  }
}
