import { describe, expect, test } from 'vitest'
import { readMysql } from '../../src/databases/mysql/statement.ts'

test.each([
  ['INSERT INTO items VALUES (1)', ['items']],
  ['insert ignore items set id = 1', ['items']],
  ['REPLACE INTO `my items` (id) VALUES (1)', ['my items']],
  ['/* who */ UPDATE LOW_PRIORITY shop.items SET a = 1', ['shop.items']],
  ['-- why\n# and how\nDELETE FROM `shop` . `a``b` WHERE id = 1', ['shop.a`b']],
  ["UPDATE items SET note = 'late; called' WHERE id = 1", ['items']],
  ["INSERT INTO items (note) VALUES ('it\\'s; a', \"b;\")", ['items']],
  ['UPDATE items SET a = 1; -- from the back office', ['items']],
  ['UPDATE /* c */ items SET a = 1', ['items']],
  ['INSERT INTO/* batch */items (id) VALUES (1)', ['items']],
  ['INSERT /*!40000 IGNORE */ INTO items VALUES (1)', ['items']],
  ['UPDATE "items" SET a = 1', ['items']],
  ["INSERT INTO items VALUES (1); INSERT INTO audit VALUES ('x')", ['items', 'audit']],
  ['SELECT 1; DELETE FROM items', ['items']],
  ['WITH a AS (SELECT 1) DELETE FROM items', ['items']],
  ['LOAD DATA INFILE "x" INTO TABLE items', ['items']],
  ['DELETE items FROM items JOIN renters r ON r.id = items.renter_id WHERE r.gone', ['items']],
  ['DELETE i.*, r FROM shop.items AS i, renters r WHERE r.id = i.id', ['shop.items', 'renters']],
  ['DELETE FROM i USING items i JOIN renters USING (id) WHERE gone', ['items']],
  ['DELETE shop.items FROM shop.items JOIN renters', ['shop.items']],
  ['DELETE FROM items AS i WHERE i.id = 1', ['items']],
  [
    'UPDATE items i JOIN (renters r, c) ON f(r.id, i.id) SET i.a = 1, r.b = g(1, 2) WHERE c.x',
    ['items', 'renters'],
  ],
  ['UPDATE items i JOIN renters r USING (id) SET a = 1', ['items', 'renters']],
  ['UPDATE items i JOIN (SELECT id FROM c) AS c USING (id), d SET a = 1', ['items', 'd']],
  ['UPDATE items USE INDEX FOR JOIN (a), b SET c = 1', ['items', 'b']],
  ['UPDATE shop.items, renters SET items.a = 1', ['shop.items']],
])('%s writes its tables', (sql, tables) => {
  expect(readMysql(sql)).toEqual({ kind: 'write', tables })
})

test('of many rows only quotes, comments and the end of the statement count', () => {
  const rows = "(1, 'a;\\'b''; c', \"it's;\") /* ; */, -- ;\n".repeat(1_000)
  const sql = `INSERT INTO items VALUES ${rows}(2 - 1, 'x'); DELETE FROM audit`
  expect(readMysql(sql)).toEqual({ kind: 'write', tables: ['items', 'audit'] })
  expect(readMysql(`${sql}; COMMIT`)).toEqual({ kind: 'control', word: 'COMMIT' })
})

test.each([
  'SELECT * FROM items WHERE id IN (1, 2) FOR UPDATE',
  'select count(*), coalesce(max(a), 0) from `items`',
  'SHOW TABLES',
  ' EXPLAIN SELECT 1;',
  "SELECT 'a; into f()' /* g() */ FROM items; -- why",
])('%s reads', (sql) => {
  expect(readMysql(sql).kind).toBe('read')
})

test.each([
  'SELECT my_function(1)',
  'SELECT `count`(1)',
  'SELECT 1 INTO @a',
  'SELECT 1 /*! , write_it() */',
  'ANALYZE_IT()',
  'CALL anything()',
  "WITH a AS (SELECT 1) SELECT replace(b, 'c', 'd') FROM a FOR UPDATE OF a",
  "SELECT '1' INTO @a",
  'INSERT INTO',
  '',
])('%s may do anything', (sql) => {
  expect(readMysql(sql).kind).toBe('opaque')
})

describe('what begins, ends or commits a transaction', () => {
  test.each([
    ['BEGIN', 'BEGIN'],
    ['start transaction', 'START TRANSACTION'],
    ['ROLLBACK', 'ROLLBACK'],
    ['/* */ COMMIT', 'COMMIT'],
    ['SET autocommit = 0', 'SET AUTOCOMMIT'],
    ['SET @@session.autocommit = 0', 'SET @@SESSION.AUTOCOMMIT'],
    ['CREATE TABLE a (b int)', 'CREATE'],
    ['TRUNCATE items', 'TRUNCATE'],
    ['LOCK TABLES items WRITE', 'LOCK TABLES'],
    ['LOCK/* all */TABLES items WRITE', 'LOCK TABLES'],
    ['INSERT INTO items VALUES (1); COMMIT', 'COMMIT'],
  ])('%s', (sql, word) => {
    expect(readMysql(sql)).toEqual({ kind: 'control', word })
  })

  test.each(['ROLLBACK TO SAVEPOINT a', 'CREATE TEMPORARY TABLE a (b int)', 'SET NAMES utf8mb4'])(
    'not %s',
    (sql) => {
      expect(readMysql(sql).kind).not.toBe('control')
    },
  )
})
